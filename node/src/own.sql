-- What both nodes keep for themselves beside the contract's tables. None of it crosses.

-- 人员
CREATE TABLE node_person (
  name TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('administrator', 'operator', 'reviewer', 'auditor')),
  password TEXT NOT NULL,
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  locked_until_ms INTEGER NOT NULL DEFAULT 0,
  create_time TEXT NOT NULL,
  update_time TEXT NOT NULL
) STRICT;

-- 会话
CREATE TABLE node_session (
  token_digest TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL REFERENCES node_person (name),
  address TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX node_session_name ON node_session (name);

-- 接入系统
CREATE TABLE node_client (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  public_key TEXT NOT NULL,
  permission TEXT NOT NULL,
  agency_id TEXT,
  notify_url TEXT,
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  create_time TEXT NOT NULL,
  update_time TEXT NOT NULL
) STRICT;

-- 已用随机数: messages that were taken, until their time is over
CREATE TABLE node_nonce (
  client TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (client, nonce)
) STRICT;
CREATE INDEX node_nonce_expires ON node_nonce (expires_ms);

-- 操作记录: append-only, each entry with the digest of the one before it
CREATE TABLE node_act (
  id INTEGER NOT NULL PRIMARY KEY,
  time TEXT NOT NULL CHECK (length(time) = 17),
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  what TEXT NOT NULL,
  object TEXT NOT NULL,
  was TEXT,
  is_now TEXT,
  digest TEXT NOT NULL CHECK (length(digest) = 64)
) STRICT;
CREATE INDEX node_act_time ON node_act (time);
CREATE TRIGGER node_act_stays BEFORE UPDATE ON node_act BEGIN
  SELECT RAISE(ABORT, 'the record of acts is append-only');
END;
CREATE TRIGGER node_act_remains BEFORE DELETE ON node_act BEGIN
  SELECT RAISE(ABORT, 'the record of acts is append-only');
END;
