-- SPDX-License-Identifier: Apache-2.0
-- The data model, whole. Later migrations add; the meaning of what stands here does not change.
--
-- Habits: ids are AUTOINCREMENT and so never used again; what clients name has a UUIDv7 (16 bytes); times are
-- UTC milliseconds; flags are 0 or 1; `*_key` is the folded text beside the text. Numbers of enumerations:
-- catalog/types.h. uuid7() and now_ms() are functions that the catalog lends to migrations.
-- "derived" columns and tables are written only by the functions that derive them; `albumen check` recomputes
-- every one of them.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- ---- people ----------------------------------------------------------------------------------------------

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    email TEXT,
    email_key TEXT,
    role INTEGER NOT NULL CHECK (role IN (0, 1, 2)),
    level INTEGER NOT NULL DEFAULT 0 CHECK (level IN (0, 1, 2, 4, 8)),
    password_hash TEXT, -- argon2id text form; NULL: cannot sign in
    should_change_password INTEGER NOT NULL DEFAULT 0 CHECK (should_change_password IN (0, 1)),
    quota_bytes INTEGER CHECK (quota_bytes >= 0),
    avatar_color TEXT,
    language TEXT,
    preferences TEXT NOT NULL DEFAULT '{}', -- JSON, by door
    last_seen_at INTEGER,                   -- written behind
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    rev INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX account_name ON account (name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX account_email ON account (email_key) WHERE email_key IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE account_group (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)), -- new users join it
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES account_group (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_account ON group_member (account_id, group_id);

CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32), -- SHA-256 of the token
    door INTEGER NOT NULL,
    device_type TEXT NOT NULL DEFAULT '',
    device_os TEXT NOT NULL DEFAULT '',
    app TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL, -- written behind
    expires_at INTEGER NOT NULL,
    elevated_until INTEGER NOT NULL DEFAULT 0 -- locked assets until then
) STRICT;
CREATE INDEX session_account ON session (account_id, id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32), -- SHA-256 of the whole key
    permissions TEXT NOT NULL DEFAULT 'all', -- words separated by blanks
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_used_at INTEGER, -- written behind
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_key_account ON api_key (account_id, id);

-- ---- originals and assets --------------------------------------------------------------------------------

CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    sha1 BLOB NOT NULL CHECK (length(sha1) = 20),
    md5 BLOB CHECK (length(md5) = 16),
    size INTEGER NOT NULL CHECK (size >= 0),
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1)), -- live, dying
    bad INTEGER NOT NULL DEFAULT 0 CHECK (bad IN (0, 1)),     -- the scrubber found it damaged
    created_at INTEGER NOT NULL,
    verified_at INTEGER,
    sums BLOB NOT NULL, -- checksums of the 1 MiB blocks
    UNIQUE (store, key)
) STRICT;
CREATE INDEX blob_md5 ON blob (md5) WHERE md5 IS NOT NULL;
CREATE INDEX blob_dying ON blob (id) WHERE state = 1;

CREATE TABLE stack (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    owner_id INTEGER NOT NULL REFERENCES account (id),
    primary_id INTEGER NOT NULL, -- the cover, one of the assets
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX stack_primary ON stack (primary_id);

CREATE TABLE asset (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    owner_id INTEGER NOT NULL REFERENCES account (id),
    blob_id INTEGER NOT NULL REFERENCES blob (id),
    sha1 BLOB NOT NULL CHECK (length(sha1) = 20),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    mime TEXT NOT NULL,
    name TEXT NOT NULL, -- original file name
    name_key TEXT NOT NULL,
    damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged IN (0, 1)),
    door INTEGER NOT NULL, -- it came in through
    added_by INTEGER NOT NULL REFERENCES account (id),
    device_id TEXT NOT NULL DEFAULT '',
    device_asset_id TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    file_modified_at INTEGER, -- as the client said
    rev INTEGER NOT NULL DEFAULT 1,        -- every change
    input_rev INTEGER NOT NULL DEFAULT 1,  -- changes of what jobs read: original, sidecar
    render_rev INTEGER NOT NULL DEFAULT 1, -- changes of rotation and centre of interest
    gallery INTEGER NOT NULL DEFAULT 0 CHECK (gallery IN (0, 1)),   -- in the gallery universe
    personal INTEGER NOT NULL DEFAULT 1 CHECK (personal IN (0, 1)), -- also kept by its owner: came through another door than Piwigo's
    visibility INTEGER NOT NULL DEFAULT 0 CHECK (visibility BETWEEN 0 AND 3),
    level INTEGER NOT NULL DEFAULT 0 CHECK (level IN (0, 1, 2, 4, 8)),
    trashed_at INTEGER,
    trashed INTEGER NOT NULL GENERATED ALWAYS AS (trashed_at IS NOT NULL) VIRTUAL,
    live_id INTEGER REFERENCES asset (id) ON DELETE SET NULL, -- the motion part of this still (live_of, seen from the still)
    stack_id INTEGER REFERENCES stack (id) ON DELETE SET NULL,
    behind INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1)), -- in a stack and not its cover
    coi TEXT, -- centre of interest, set by a person
    -- effective values: derived, by the one merge function
    taken_utc INTEGER,
    taken_local INTEGER,
    taken_offset INTEGER CHECK (taken_offset BETWEEN -1080 AND 1080),
    taken_layer INTEGER CHECK (taken_layer BETWEEN 0 AND 3),
    sort_local INTEGER NOT NULL, -- taken_local, else created_at
    title TEXT,
    title_key TEXT,
    description TEXT,
    description_key TEXT,
    author TEXT,
    latitude REAL CHECK (latitude BETWEEN -90 AND 90),
    longitude REAL CHECK (longitude BETWEEN -180 AND 180),
    rating INTEGER CHECK (rating BETWEEN -1 AND 5),
    rotation INTEGER NOT NULL DEFAULT 0 CHECK (rotation IN (0, 90, 180, 270)),
    -- facts of the medium that lists need (the others: asset_media)
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    orientation INTEGER NOT NULL DEFAULT 0 CHECK (orientation BETWEEN 0 AND 8),
    duration_ms INTEGER NOT NULL DEFAULT 0,
    thumbhash BLOB,
    -- derived from votes and visits
    score REAL,
    votes INTEGER NOT NULL DEFAULT 0,
    hits INTEGER NOT NULL DEFAULT 0, -- written behind
    UNIQUE (owner_id, sha1),
    CHECK ((taken_utc IS NULL) = (taken_local IS NULL)),
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK (gallery = 1 OR personal = 1)
) STRICT;
CREATE INDEX asset_timeline ON asset (owner_id, visibility, trashed, sort_local DESC, id DESC);
-- The same order with all text that is searched for parts of words: a search that finds little walks over narrow
-- entries instead of the wide rows.
CREATE INDEX asset_find ON asset (owner_id, visibility, trashed, sort_local DESC, id DESC, name_key, title_key, description_key);
CREATE INDEX asset_sha1 ON asset (sha1);
CREATE INDEX asset_blob ON asset (blob_id);
CREATE INDEX asset_name ON asset (name_key, owner_id);
CREATE INDEX asset_added ON asset (owner_id, created_at);
CREATE INDEX asset_trash ON asset (trashed_at) WHERE trashed_at IS NOT NULL;
CREATE INDEX asset_live ON asset (live_id) WHERE live_id IS NOT NULL;
CREATE INDEX asset_stack ON asset (stack_id) WHERE stack_id IS NOT NULL;
CREATE INDEX asset_gallery ON asset (sort_local DESC, id DESC) WHERE gallery = 1;

CREATE TABLE asset_media (
    asset_id INTEGER PRIMARY KEY REFERENCES asset (id) ON DELETE CASCADE,
    make TEXT,
    model TEXT,
    lens TEXT,
    f_number REAL,
    exposure TEXT,
    iso INTEGER,
    focal_mm REAL,
    fps REAL,
    projection TEXT,
    city TEXT,
    state TEXT,
    country TEXT,
    time_zone TEXT,
    header BLOB -- the image room's packed header, opaque here
) STRICT;

-- One row per layer that says something. A bit of `stated` = the layer states the field, a bit of `empty` =
-- what it states is "nothing".
CREATE TABLE asset_layer (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    layer INTEGER NOT NULL CHECK (layer BETWEEN 0 AND 3),
    stated INTEGER NOT NULL,
    empty INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    input_rev INTEGER NOT NULL, -- of the asset when a machine wrote it
    updated_at INTEGER NOT NULL,
    taken_utc INTEGER,
    taken_local INTEGER,
    taken_offset INTEGER,
    title TEXT,
    description TEXT,
    author TEXT,
    latitude REAL,
    longitude REAL,
    rating INTEGER,
    rotation INTEGER,
    PRIMARY KEY (asset_id, layer)
) STRICT, WITHOUT ROWID;

-- Who set which field of the person layer, and when.
CREATE TABLE asset_person_field (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    field INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    actor_id INTEGER NOT NULL REFERENCES account (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (asset_id, field)
) STRICT, WITHOUT ROWID;

-- Further files of an asset: sidecar, other formats, a picture that represents it.
CREATE TABLE asset_file (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    blob_id INTEGER NOT NULL REFERENCES blob (id),
    role INTEGER NOT NULL CHECK (role IN (0, 1, 2)), -- sidecar, format, representative
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_file_asset ON asset_file (asset_id);
CREATE INDEX asset_file_blob ON asset_file (blob_id);

CREATE TABLE declared_sum (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    algorithm INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (asset_id, algorithm, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX declared_sum_value ON declared_sum (algorithm, value);

-- ---- tags ------------------------------------------------------------------------------------------------

CREATE TABLE tag (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    scope INTEGER NOT NULL CHECK (scope IN (0, 1)),
    owner_id INTEGER REFERENCES account (id) ON DELETE CASCADE, -- NULL: of the gallery
    value TEXT NOT NULL, -- path: a/b
    value_key TEXT NOT NULL,
    color TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1,
    CHECK ((scope = 0) = (owner_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX tag_gallery ON tag (value_key) WHERE owner_id IS NULL;
CREATE UNIQUE INDEX tag_owner ON tag (owner_id, value_key) WHERE owner_id IS NOT NULL;

-- What the layers say, and what a person has removed (layer 3 only).
CREATE TABLE layer_tag (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    layer INTEGER NOT NULL CHECK (layer BETWEEN 0 AND 3),
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed = 0 OR (removed = 1 AND layer = 3)),
    PRIMARY KEY (asset_id, tag_id, layer)
) STRICT, WITHOUT ROWID;
CREATE INDEX layer_tag_tag ON layer_tag (tag_id);

-- derived: the union over the layers minus the removals
CREATE TABLE asset_tag (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (asset_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_tag_tag ON asset_tag (tag_id, asset_id);

-- ---- albums ----------------------------------------------------------------------------------------------

CREATE TABLE album (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)), -- gallery, personal
    owner_id INTEGER REFERENCES account (id),     -- personal: whose; gallery: NULL, the house
    parent_id INTEGER REFERENCES album (id),
    path TEXT NOT NULL, -- derived: ids from the root to itself, "1,5,9"
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
    locked INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)),
    published INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1)), -- personal, shown in the gallery too
    rank INTEGER NOT NULL DEFAULT 0, -- among its siblings
    representative_id INTEGER REFERENCES asset (id) ON DELETE SET NULL,
    image_order TEXT,
    permalink TEXT UNIQUE,
    commentable INTEGER NOT NULL DEFAULT 1 CHECK (commentable IN (0, 1)),
    activity_enabled INTEGER NOT NULL DEFAULT 1 CHECK (activity_enabled IN (0, 1)),
    created_by INTEGER REFERENCES account (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1,
    CHECK ((kind = 0) = (owner_id IS NULL)),
    CHECK (kind = 0 OR parent_id IS NULL)
) STRICT;
CREATE INDEX album_owner ON album (owner_id, kind);
CREATE INDEX album_parent ON album (parent_id, rank);
CREATE INDEX album_representative ON album (representative_id) WHERE representative_id IS NOT NULL;

-- derived: every ancestor of an album, itself included (depth 0)
CREATE TABLE album_path (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    ancestor_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    depth INTEGER NOT NULL CHECK (depth >= 0),
    PRIMARY KEY (album_id, ancestor_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_path_ancestor ON album_path (ancestor_id, album_id);

CREATE TABLE album_asset (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    rank INTEGER NOT NULL DEFAULT 0,
    added_at INTEGER NOT NULL,
    added_by INTEGER NOT NULL REFERENCES account (id),
    asset_created_at INTEGER NOT NULL, -- derived: asset.created_at
    shown_level INTEGER, -- derived: asset.level if lists show it (timeline or archive, not trashed), else NULL
    PRIMARY KEY (album_id, asset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_asset_asset ON album_asset (asset_id, album_id);
CREATE INDEX album_asset_shown ON album_asset (album_id, shown_level, asset_created_at) WHERE shown_level IS NOT NULL;

-- A grant: for private gallery albums, and the people a personal album is shared with.
CREATE TABLE album_account (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    role INTEGER NOT NULL CHECK (role IN (0, 1)), -- viewer, editor
    created_at INTEGER NOT NULL,
    PRIMARY KEY (album_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_account_account ON album_account (account_id, album_id);

CREATE TABLE album_group (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES account_group (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (album_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_group_group ON album_group (group_id, album_id);

CREATE TABLE share (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    slug TEXT UNIQUE,
    album_id INTEGER REFERENCES album (id) ON DELETE CASCADE, -- NULL: the set in share_asset
    description TEXT NOT NULL DEFAULT '',
    password_hash TEXT,
    may_download INTEGER NOT NULL DEFAULT 1 CHECK (may_download IN (0, 1)),
    may_upload INTEGER NOT NULL DEFAULT 0 CHECK (may_upload IN (0, 1)),
    show_metadata INTEGER NOT NULL DEFAULT 1 CHECK (show_metadata IN (0, 1)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX share_account ON share (account_id, id);
CREATE INDEX share_album ON share (album_id) WHERE album_id IS NOT NULL;

CREATE TABLE share_asset (
    share_id INTEGER NOT NULL REFERENCES share (id) ON DELETE CASCADE,
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    PRIMARY KEY (share_id, asset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_asset_asset ON share_asset (asset_id);

-- ---- what people do with assets --------------------------------------------------------------------------

CREATE TABLE favorite (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, asset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX favorite_asset ON favorite (asset_id);

CREATE TABLE vote (
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE, -- visitors: the guest
    visitor TEXT NOT NULL DEFAULT '',
    value INTEGER NOT NULL CHECK (value BETWEEN 0 AND 5),
    at INTEGER NOT NULL,
    PRIMARY KEY (asset_id, account_id, visitor)
) STRICT, WITHOUT ROWID;
CREATE INDEX vote_account ON vote (account_id);

CREATE TABLE selection (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    asset_id INTEGER NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    PRIMARY KEY (account_id, asset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX selection_asset ON selection (asset_id);

CREATE TABLE comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    kind INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1)), -- words, a "like"
    asset_id INTEGER REFERENCES asset (id) ON DELETE CASCADE,
    album_id INTEGER REFERENCES album (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    author TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    website TEXT NOT NULL DEFAULT '',
    visitor TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL DEFAULT '',
    validated_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (asset_id IS NOT NULL OR album_id IS NOT NULL)
) STRICT;
CREATE INDEX comment_asset ON comment (asset_id, id);
CREATE INDEX comment_album ON comment (album_id, id);
CREATE INDEX comment_account ON comment (account_id);

CREATE TABLE activity ( -- who did what
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    entity_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    door INTEGER NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    agent TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX activity_at ON activity (at);
CREATE INDEX activity_entity ON activity (entity, entity_id);

CREATE TABLE history ( -- visits; written behind
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    section TEXT NOT NULL DEFAULT '',
    album_id INTEGER,
    asset_id INTEGER,
    tags TEXT NOT NULL DEFAULT '',
    what INTEGER NOT NULL DEFAULT 0, -- page, picture, original, other
    api_key_id INTEGER
) STRICT;
CREATE INDEX history_at ON history (at);

-- ---- feed, operations, jobs ------------------------------------------------------------------------------

CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    entity INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)), -- create, update, delete
    entity_id INTEGER NOT NULL,
    other_id INTEGER NOT NULL DEFAULT 0,
    uuid BLOB CHECK (length(uuid) = 16),
    owner_id INTEGER NOT NULL DEFAULT 0, -- 0: of the house
    rev INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX change_owner ON change (owner_id, seq);

CREATE TABLE operation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    account_id INTEGER NOT NULL REFERENCES account (id), -- on whose behalf
    door INTEGER NOT NULL,
    action INTEGER NOT NULL,
    value INTEGER NOT NULL DEFAULT 0,
    drain INTEGER NOT NULL DEFAULT 0 CHECK (drain IN (0, 1, 2)), -- fixed items; own trash; everybody's trash
    filter TEXT NOT NULL DEFAULT '', -- what chose the items, for people
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)), -- running, ended, undone
    total INTEGER NOT NULL,
    cursor INTEGER NOT NULL DEFAULT 0, -- items before this one are done
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX operation_running ON operation (id) WHERE state = 0;
CREATE INDEX operation_account ON operation (account_id, id);

CREATE TABLE operation_item ( -- the fixed items, 256 to a row: a large batch must be written in one slice
    operation_id INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    assets BLOB NOT NULL CHECK (length(assets) % 16 = 0), -- UUIDs
    PRIMARY KEY (operation_id, n)
) STRICT;

CREATE TABLE operation_undo (
    operation_id INTEGER NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    asset_id INTEGER NOT NULL,
    field INTEGER NOT NULL, -- trashed_at, visibility, favorite, level, gallery, album link
    before INTEGER,
    after INTEGER,
    other_id INTEGER NOT NULL DEFAULT 0, -- the album of a link
    PRIMARY KEY (operation_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    input_rev INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)), -- waiting, leased, failed
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
    lease_owner TEXT,
    lease_until INTEGER,
    args TEXT NOT NULL DEFAULT '',
    last_error TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((state = 1) = (lease_owner IS NOT NULL)),
    CHECK ((state = 1) = (lease_until IS NOT NULL))
) STRICT;
CREATE INDEX job_pick ON job (state, kind, priority, run_at, id);
CREATE UNIQUE INDEX job_once ON job (kind, subject) WHERE state = 0;
CREATE INDEX job_lease ON job (lease_until) WHERE state = 1;
CREATE INDEX job_subject ON job (subject, kind);
CREATE INDEX job_failed ON job (updated_at, id) WHERE state = 2;

CREATE TABLE job_kind (
    kind TEXT PRIMARY KEY,
    paused_until INTEGER NOT NULL DEFAULT 0, -- nobody leases it before
    paused_by INTEGER,
    -- derived
    waiting INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0 -- ever; the only one that cannot be counted again
) STRICT, WITHOUT ROWID;

-- ---- counters: derived -----------------------------------------------------------------------------------

CREATE TABLE count_month (
    owner_id INTEGER NOT NULL,
    visibility INTEGER NOT NULL,
    trashed INTEGER NOT NULL,
    month INTEGER NOT NULL, -- year * 12 + month - 1 of sort_local
    assets INTEGER NOT NULL,
    images INTEGER NOT NULL,
    videos INTEGER NOT NULL,
    behind INTEGER NOT NULL, -- of them behind the cover of a stack
    PRIMARY KEY (owner_id, visibility, trashed, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE count_album (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    level INTEGER NOT NULL,
    photos INTEGER NOT NULL,
    newest_at INTEGER NOT NULL, -- when the newest of them was added to the library
    PRIMARY KEY (album_id, level)
) STRICT, WITHOUT ROWID;

CREATE TABLE count_owner (
    owner_id INTEGER PRIMARY KEY,
    assets INTEGER NOT NULL,
    bytes INTEGER NOT NULL -- trash included
) STRICT;

-- ---- who is always there ---------------------------------------------------------------------------------

INSERT INTO account (id, uuid, name, name_key, role, level, created_at, updated_at)
VALUES (1, uuid7(), 'admin', 'admin', 0, 8, now_ms(), now_ms()),
       (2, uuid7(), 'guest', 'guest', 2, 0, now_ms(), now_ms());
