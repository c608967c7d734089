-- What the intranet node keeps for itself beside the contract's tables. None of it crosses.

-- 缴款码序号: the least serial number of a region and year that is not taken; each minute begins at numbers of its own
CREATE TABLE inner_serial (
  region TEXT NOT NULL CHECK (length(region) = 6),
  year TEXT NOT NULL CHECK (length(year) = 2),
  next INTEGER NOT NULL CHECK (next >= 0),
  PRIMARY KEY (region, year)
) STRICT;

-- 待匹配: confirmations that have come and are not booked yet
CREATE TABLE inner_arrived (
  confirm_id TEXT NOT NULL PRIMARY KEY,
  -- Why it could not be booked; it waits for people, and the others go on.
  problem TEXT
) STRICT;
CREATE TRIGGER inner_confirm_arrives AFTER INSERT ON pay_confirm
WHEN NOT EXISTS (SELECT 1 FROM inner_arrived WHERE confirm_id = NEW.confirm_id)
BEGIN
  INSERT INTO inner_arrived (confirm_id) VALUES (NEW.confirm_id);
END;
INSERT INTO inner_arrived (confirm_id) SELECT confirm_id FROM pay_confirm;

-- 待答复: requests for notices that have come and are not answered yet
CREATE TABLE inner_asked (
  request_id TEXT NOT NULL PRIMARY KEY,
  -- Why it could not be answered; it waits for people, and the others go on.
  problem TEXT
) STRICT;
CREATE TRIGGER inner_request_arrives AFTER INSERT ON notice_request
WHEN NOT EXISTS (SELECT 1 FROM inner_asked WHERE request_id = NEW.request_id)
BEGIN
  INSERT INTO inner_asked (request_id) VALUES (NEW.request_id);
END;
INSERT INTO inner_asked (request_id) SELECT request_id FROM notice_request;

-- 收入账: one line for every payment, online and offline
CREATE TABLE inner_book (
  -- 变更序号: another one, larger than any other, whenever the line is written or changes; it begins with the time, so that it is
  -- larger than any that was pulled before a backup was put back.
  seq INTEGER NOT NULL PRIMARY KEY,
  book_no TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL CHECK (source IN ('ONLINE', 'BANK', 'POLICE_BATCH')),
  payment_id TEXT NOT NULL UNIQUE,
  pay_code TEXT,
  agency_id TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  pay_date TEXT NOT NULL CHECK (length(pay_date) = 8),
  match_state INTEGER NOT NULL CHECK (match_state BETWEEN 1 AND 4),
  decision INTEGER NOT NULL CHECK (decision BETWEEN 1 AND 4),
  -- Whether it is the payment that counts for its notice.
  counts INTEGER NOT NULL CHECK (counts IN (0, 1)),
  other_ref TEXT,
  book_time TEXT NOT NULL CHECK (length(book_time) = 17)
) STRICT;
CREATE INDEX inner_book_pay_code ON inner_book (pay_code);
CREATE INDEX inner_book_agency ON inner_book (agency_id, pay_date);
CREATE INDEX inner_book_decision ON inner_book (decision, seq);
-- At most one payment counts for a notice, whatever comes.
CREATE UNIQUE INDEX inner_book_once ON inner_book (pay_code) WHERE counts = 1;

-- An answer that is not the books': the database was put back, and ferry returned what was answered or decided since.
CREATE TRIGGER inner_answer_returns AFTER INSERT ON confirm_result
WHEN EXISTS (SELECT 1 FROM inner_book WHERE payment_id = NEW.confirm_id AND decision <> NEW.decision)
 AND NOT EXISTS (SELECT 1 FROM inner_arrived WHERE confirm_id = NEW.confirm_id)
BEGIN
  INSERT INTO inner_arrived (confirm_id) VALUES (NEW.confirm_id);
END;
CREATE TRIGGER inner_answer_changes AFTER UPDATE ON confirm_result
WHEN EXISTS (SELECT 1 FROM inner_book WHERE payment_id = NEW.confirm_id AND decision <> NEW.decision)
 AND NOT EXISTS (SELECT 1 FROM inner_arrived WHERE confirm_id = NEW.confirm_id)
BEGIN
  INSERT INTO inner_arrived (confirm_id) VALUES (NEW.confirm_id);
END;

-- 线下缴款报送: what counters reported, by their own numbers, booked or not
CREATE TABLE inner_report (
  -- Who reported, /, and the number there: two police offices may count alike.
  report_id TEXT NOT NULL PRIMARY KEY,
  -- As it came.
  report TEXT NOT NULL,
  -- 线下缴款号 as which it is booked.
  payment_id TEXT UNIQUE,
  -- When two people decided that the money goes back unbooked.
  returned_time TEXT,
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  CHECK (payment_id IS NULL OR returned_time IS NULL)
) STRICT;

-- 待入账报送: reports that are not booked yet
CREATE TABLE inner_reported (
  report_id TEXT NOT NULL PRIMARY KEY REFERENCES inner_report (report_id),
  -- Why it could not be booked; it waits for people, and the others go on.
  problem TEXT
) STRICT;

-- 待补记: offline payments that are not what the books say: the database was put back, and ferry returned them
CREATE TABLE inner_returned (
  payment_id TEXT NOT NULL PRIMARY KEY,
  -- Why it could not be booked; it waits for people, and the others go on.
  problem TEXT
) STRICT;
CREATE TRIGGER inner_payment_returns AFTER INSERT ON offline_payment
WHEN NOT EXISTS (SELECT 1 FROM inner_book WHERE payment_id = NEW.payment_id)
 AND NOT EXISTS (SELECT 1 FROM inner_returned WHERE payment_id = NEW.payment_id)
BEGIN
  INSERT INTO inner_returned (payment_id) VALUES (NEW.payment_id);
END;
CREATE TRIGGER inner_payment_changes AFTER UPDATE ON offline_payment
WHEN EXISTS (SELECT 1 FROM inner_book WHERE payment_id = NEW.payment_id AND (decision = 3) <> (NEW.refund_state > 0))
 AND NOT EXISTS (SELECT 1 FROM inner_returned WHERE payment_id = NEW.payment_id)
BEGIN
  INSERT INTO inner_returned (payment_id) VALUES (NEW.payment_id);
END;

-- 待推送: what the collecting agency's system is to be told of, also where the agency has none yet
CREATE TABLE inner_push (
  -- 通知号: made of what happened, so that it is the same after a backup was put back; the receiver knows a message by it.
  push_no TEXT NOT NULL PRIMARY KEY,
  -- Whose system is told; which one that is, is found out when it is told.
  agency_id TEXT NOT NULL,
  document TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL,
  done_time TEXT,
  last_error TEXT
) STRICT;
CREATE INDEX inner_push_due ON inner_push (agency_id, next_ms) WHERE done_time IS NULL;
CREATE INDEX inner_push_turn ON inner_push (agency_id, attempt) WHERE done_time IS NULL;

-- 受理回执: what was answered to requests with a number of the sender's
CREATE TABLE inner_receipt (
  who TEXT NOT NULL,
  request_no TEXT NOT NULL,
  -- The digest of what was asked, under the field key.
  content TEXT NOT NULL,
  answer TEXT NOT NULL,
  create_ms INTEGER NOT NULL,
  PRIMARY KEY (who, request_no)
) STRICT;
CREATE INDEX inner_receipt_time ON inner_receipt (create_ms);

-- 复核申请: what one person asks for and another allows
CREATE TABLE inner_proposal (
  id INTEGER NOT NULL PRIMARY KEY,
  wish TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_time TEXT NOT NULL,
  decided_by TEXT,
  decided_time TEXT,
  is_allowed INTEGER CHECK (is_allowed IN (0, 1)),
  CHECK (decided_by IS NULL OR decided_by <> asked_by)
) STRICT;
