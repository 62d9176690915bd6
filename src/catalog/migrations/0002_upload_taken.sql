-- SPDX-License-Identifier: Apache-2.0
-- Uploads that became assets, by their id, for as long as a client that lost the answer may ask for it. Written in
-- the transaction that makes the asset, so the upload room needs no durable memory of its own for them. The asset
-- may be gone since: the answer was true when it was given.
CREATE TABLE upload_taken (
    seq INTEGER PRIMARY KEY, -- order of arrival: the oldest go first
    upload TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL REFERENCES account (id),
    asset_uuid BLOB NOT NULL CHECK (length(asset_uuid) = 16),
    size INTEGER NOT NULL CHECK (size >= 0),
    made INTEGER NOT NULL CHECK (made BETWEEN 0 AND 2), -- created, duplicate, restored
    trashed INTEGER NOT NULL CHECK (trashed IN (0, 1)), -- the duplicate lay in the trash
    at INTEGER NOT NULL
) STRICT;
