-- What the extranet payment node keeps for itself beside the contract's tables. None of it crosses.
-- Times are China time as digits; `_ms` are milliseconds since 1970; money is in fen.

-- 订单
CREATE TABLE outer_order (
  platform_order_no TEXT NOT NULL PRIMARY KEY,
  client TEXT NOT NULL,
  biz_order_no TEXT NOT NULL,
  -- digest of what the client asked for, so that a repeated message is told from another one under the same number
  content TEXT NOT NULL CHECK (length(content) = 64),
  -- 缴款码; none when the payment starts at a unit's own site
  pay_code TEXT,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  biz_line TEXT NOT NULL,
  biz_ref TEXT,
  payer_type INTEGER NOT NULL CHECK (payer_type BETWEEN 1 AND 2),
  payer_name TEXT NOT NULL,
  payer_acct TEXT CHECK (payer_acct LIKE 'f1:%'),
  title TEXT NOT NULL,
  original_fen INTEGER NOT NULL CHECK (original_fen > 0),
  biz_discount_fen INTEGER NOT NULL CHECK (biz_discount_fen >= 0),
  channel_discount_fen INTEGER NOT NULL CHECK (channel_discount_fen >= 0),
  fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0),
  received_fen INTEGER NOT NULL CHECK (received_fen >= 0),
  -- what came less what the order asks for, where two people confirmed another amount
  diff_fen INTEGER NOT NULL,
  -- 0 待支付, 1 支付中, 2 支付成功, 3 支付失败, 4 已关闭, 5 重缴, 6 关闭后到账, 7 确认支付
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  channel TEXT,
  pay_mode TEXT,
  -- how often the payer began to pay it
  attempt_no INTEGER NOT NULL CHECK (attempt_no >= 0),
  notify_url TEXT,
  passback TEXT,
  order_time TEXT NOT NULL CHECK (length(order_time) = 14),
  expire_ms INTEGER NOT NULL,
  -- how often the channel was asked what became of an order whose time is over, and when it is asked next
  ask_attempt INTEGER NOT NULL,
  ask_next_ms INTEGER NOT NULL,
  -- 确认单号 of the payment that made the state
  confirm_id TEXT,
  -- whether the inner zone decided that its money goes back, so that it counts no more
  is_released INTEGER NOT NULL CHECK (is_released IN (0, 1)),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  UNIQUE (client, biz_order_no),
  CHECK (original_fen + diff_fen = biz_discount_fen + channel_discount_fen + fee_fen + received_fen),
  CHECK ((state IN (2, 5, 6, 7)) = (confirm_id IS NOT NULL))
) STRICT;
CREATE INDEX outer_order_pay_code ON outer_order (pay_code);
CREATE INDEX outer_order_open ON outer_order (expire_ms) WHERE state IN (0, 1, 3);
-- A debt is being paid once at a time, and one payment counts for it, whatever a program does.
CREATE UNIQUE INDEX outer_order_paying_once ON outer_order (pay_code) WHERE state = 1;
CREATE UNIQUE INDEX outer_order_counts_once ON outer_order (pay_code) WHERE state IN (2, 6, 7) AND is_released = 0;
CREATE TRIGGER outer_order_keeps_money BEFORE UPDATE OF state ON outer_order
WHEN OLD.state IN (2, 5, 6, 7) AND NEW.state <> OLD.state BEGIN
  SELECT RAISE(ABORT, 'money that came in never leaves its state');
END;
CREATE TRIGGER outer_order_remains BEFORE DELETE ON outer_order BEGIN
  SELECT RAISE(ABORT, 'orders remain');
END;

-- 订单明细
CREATE TABLE outer_order_item (
  platform_order_no TEXT NOT NULL REFERENCES outer_order (platform_order_no),
  line_no INTEGER NOT NULL CHECK (line_no BETWEEN 1 AND 999),
  item_code TEXT NOT NULL,
  item_name TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 1),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (platform_order_no, line_no)
) STRICT;

-- 支付尝试: each time that the payer began to pay an order
CREATE TABLE outer_attempt (
  platform_order_no TEXT NOT NULL REFERENCES outer_order (platform_order_no),
  attempt_no INTEGER NOT NULL CHECK (attempt_no >= 1),
  channel TEXT NOT NULL,
  -- when it began, and when the channel said that it failed
  begin_time TEXT NOT NULL CHECK (length(begin_time) = 17),
  fail_time TEXT CHECK (length(fail_time) = 17),
  -- 渠道订单号 of the failure, where the channel said one
  failed_no TEXT,
  PRIMARY KEY (platform_order_no, attempt_no),
  CHECK (failed_no IS NULL OR fail_time IS NOT NULL)
) STRICT;

-- 交易: money that came in, once for each number of a channel
CREATE TABLE outer_txn (
  channel TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  platform_order_no TEXT NOT NULL REFERENCES outer_order (platform_order_no),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0),
  channel_discount_fen INTEGER NOT NULL CHECK (channel_discount_fen >= 0),
  paid_time TEXT NOT NULL CHECK (length(paid_time) = 14),
  -- 入账依据: 1 渠道结果, 2 双人确认支付
  evidence INTEGER NOT NULL CHECK (evidence BETWEEN 1 AND 2),
  confirm_id TEXT NOT NULL UNIQUE,
  -- the state that was answered, for the same answer to a repeated message
  told_state INTEGER NOT NULL CHECK (told_state IN (2, 5, 6, 7)),
  is_duplicate INTEGER NOT NULL CHECK (is_duplicate IN (0, 1)),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  PRIMARY KEY (channel, channel_order_no)
) STRICT;
CREATE INDEX outer_txn_order ON outer_txn (platform_order_no);
CREATE TRIGGER outer_txn_stays BEFORE UPDATE ON outer_txn BEGIN
  SELECT RAISE(ABORT, 'transactions stay as they are');
END;
CREATE TRIGGER outer_txn_remains BEFORE DELETE ON outer_txn BEGIN
  SELECT RAISE(ABORT, 'transactions remain');
END;

-- 渠道印证: the numbers under which a channel spoke of a payment that people had confirmed
CREATE TABLE outer_attested (
  channel TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  confirm_id TEXT NOT NULL REFERENCES outer_txn (confirm_id),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  PRIMARY KEY (channel, channel_order_no)
) STRICT;
CREATE INDEX outer_attested_confirm ON outer_attested (confirm_id);
CREATE TRIGGER outer_attested_stays BEFORE UPDATE ON outer_attested BEGIN
  SELECT RAISE(ABORT, 'what a channel spoke of stays');
END;
CREATE TRIGGER outer_attested_remains BEFORE DELETE ON outer_attested BEGIN
  SELECT RAISE(ABORT, 'what a channel spoke of remains');
END;

-- 待恢复: confirmations that no transaction knows, as after the database was put back and ferry returned what had crossed
CREATE TABLE outer_returned (
  confirm_id TEXT NOT NULL PRIMARY KEY,
  -- why no transaction could be made of it; none while that was not tried
  problem TEXT
) STRICT;
CREATE TRIGGER outer_confirm_returned AFTER INSERT ON pay_confirm
WHEN NOT EXISTS (SELECT 1 FROM outer_txn WHERE confirm_id = NEW.confirm_id)
  AND NOT EXISTS (SELECT 1 FROM outer_returned WHERE confirm_id = NEW.confirm_id) BEGIN
  INSERT INTO outer_returned (confirm_id) VALUES (NEW.confirm_id);
END;
INSERT INTO outer_returned (confirm_id) SELECT confirm_id FROM pay_confirm;

-- 已释放: payments whose money goes back by a decision of the inner zone, and pays nothing any more. One that it found to be one too
-- many (match 2) is not among them: another one pays the debt.
CREATE VIEW outer_released AS SELECT confirm_id FROM confirm_result WHERE decision = 2 AND match_state <> 2;
CREATE TRIGGER outer_order_released AFTER INSERT ON confirm_result WHEN NEW.decision = 2 AND NEW.match_state <> 2 BEGIN
  UPDATE outer_order SET is_released = 1 WHERE confirm_id = NEW.confirm_id
    AND platform_order_no = (SELECT platform_order_no FROM outer_txn WHERE confirm_id = NEW.confirm_id);
END;
CREATE TRIGGER outer_order_released_anew AFTER UPDATE ON confirm_result WHEN NEW.decision = 2 AND NEW.match_state <> 2 BEGIN
  UPDATE outer_order SET is_released = 1 WHERE confirm_id = NEW.confirm_id
    AND platform_order_no = (SELECT platform_order_no FROM outer_txn WHERE confirm_id = NEW.confirm_id);
END;

-- 确认支付: asked for by one person, decided by another
CREATE TABLE outer_evidence (
  evidence_id TEXT NOT NULL PRIMARY KEY,
  platform_order_no TEXT NOT NULL REFERENCES outer_order (platform_order_no),
  channel TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
  fee_fen INTEGER NOT NULL CHECK (fee_fen >= 0),
  channel_discount_fen INTEGER NOT NULL CHECK (channel_discount_fen >= 0),
  paid_time TEXT NOT NULL CHECK (length(paid_time) = 14),
  reason TEXT NOT NULL CHECK (length(reason) > 0),
  -- SM3 of the document that shows the payment
  file_digest TEXT NOT NULL CHECK (length(file_digest) = 64),
  -- 异常: what the channel said that did not fit, where that is what is confirmed
  exception_id INTEGER REFERENCES outer_exception (exception_id),
  -- whether it is another payment than the one that the order has
  is_second INTEGER NOT NULL CHECK (is_second IN (0, 1)),
  -- whether the amount is knowingly another than the order's
  is_other_amount INTEGER NOT NULL CHECK (is_other_amount IN (0, 1)),
  -- 0 待复核, 1 已同意, 2 已退回
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  maker TEXT NOT NULL,
  make_time TEXT NOT NULL CHECK (length(make_time) = 17),
  checker TEXT,
  check_time TEXT CHECK (length(check_time) = 17),
  CHECK (checker IS NULL OR checker <> maker),
  CHECK ((state = 0) = (checker IS NULL) AND (state = 0) = (check_time IS NULL))
) STRICT;
CREATE UNIQUE INDEX outer_evidence_once ON outer_evidence (platform_order_no) WHERE state = 0;
CREATE TRIGGER outer_evidence_stays BEFORE UPDATE ON outer_evidence
WHEN OLD.state <> 0 OR NEW.maker <> OLD.maker OR NEW.make_time <> OLD.make_time OR NEW.reason <> OLD.reason
  OR NEW.file_digest <> OLD.file_digest OR NEW.platform_order_no <> OLD.platform_order_no
  OR NEW.channel <> OLD.channel OR NEW.channel_order_no <> OLD.channel_order_no OR NEW.amount_fen <> OLD.amount_fen
  OR NEW.fee_fen <> OLD.fee_fen OR NEW.channel_discount_fen <> OLD.channel_discount_fen
  OR NEW.paid_time <> OLD.paid_time OR NEW.exception_id IS NOT OLD.exception_id OR NEW.is_second <> OLD.is_second
  OR NEW.is_other_amount <> OLD.is_other_amount BEGIN
  SELECT RAISE(ABORT, 'evidence stays as it was given');
END;
CREATE TRIGGER outer_evidence_remains BEFORE DELETE ON outer_evidence BEGIN
  SELECT RAISE(ABORT, 'evidence remains');
END;

-- 开具申请 of clients: whose each request in notice_request is, and under which numbers
CREATE TABLE outer_request (
  request_id TEXT NOT NULL PRIMARY KEY,
  client TEXT NOT NULL,
  request_no TEXT NOT NULL,
  -- 业务号; empty where there is none, so that the key holds
  biz_ref TEXT NOT NULL,
  content TEXT NOT NULL CHECK (length(content) = 64),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  UNIQUE (client, biz_ref, request_no)
) STRICT;

-- 通知: what a unit's system must be told
CREATE TABLE outer_callback (
  callback_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  -- order, confirm, request or offline
  kind TEXT NOT NULL CHECK (kind IN ('order', 'confirm', 'request', 'offline')),
  -- the number of the order, confirmation, request or offline payment
  object TEXT NOT NULL,
  client TEXT NOT NULL,
  -- the address that the order named, if it named one; where to send it is decided when it is sent
  url TEXT,
  -- the order's state, of orders
  state INTEGER CHECK (state BETWEEN 0 AND 7),
  document TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  next_ms INTEGER NOT NULL,
  done_ms INTEGER,
  given_up_ms INTEGER,
  last_error TEXT,
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  CHECK (done_ms IS NULL OR given_up_ms IS NULL)
) STRICT;
CREATE INDEX outer_callback_waiting ON outer_callback (client, next_ms) WHERE done_ms IS NULL AND given_up_ms IS NULL;
CREATE INDEX outer_callback_given_up ON outer_callback (callback_id) WHERE given_up_ms IS NOT NULL;
CREATE INDEX outer_callback_object ON outer_callback (kind, object);

-- 内网答复: answers that have come and must be told to the client whose order or request they answer, and offline payments that go back
-- because its order stands
CREATE TABLE outer_answered (
  kind TEXT NOT NULL CHECK (kind IN ('confirm', 'request', 'offline')),
  object TEXT NOT NULL,
  -- what was answered; only another answer is told again
  content TEXT NOT NULL,
  told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
  PRIMARY KEY (kind, object)
) STRICT;
CREATE INDEX outer_answered_untold ON outer_answered (kind, object) WHERE told = 0;

CREATE TRIGGER outer_confirm_answered AFTER INSERT ON confirm_result BEGIN
  UPDATE outer_answered SET content = NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen, told = 0
    WHERE kind = 'confirm' AND object = NEW.confirm_id
    AND content <> NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen;
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'confirm', NEW.confirm_id, NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'confirm' AND object = NEW.confirm_id);
END;
CREATE TRIGGER outer_confirm_answered_anew AFTER UPDATE ON confirm_result BEGIN
  UPDATE outer_answered SET content = NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen, told = 0
    WHERE kind = 'confirm' AND object = NEW.confirm_id
    AND content <> NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen;
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'confirm', NEW.confirm_id, NEW.match_state || ':' || NEW.decision || ':' || NEW.book_no || ':' || NEW.diff_fen
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'confirm' AND object = NEW.confirm_id);
END;
CREATE TRIGGER outer_offline_goes_back AFTER INSERT ON offline_payment WHEN NEW.refund_state > 0 BEGIN
  UPDATE outer_answered SET content = NEW.refund_state, told = 0
    WHERE kind = 'offline' AND object = NEW.payment_id AND content <> CAST(NEW.refund_state AS TEXT);
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'offline', NEW.payment_id, NEW.refund_state
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'offline' AND object = NEW.payment_id);
END;
CREATE TRIGGER outer_offline_goes_back_later AFTER UPDATE ON offline_payment WHEN NEW.refund_state > 0 BEGIN
  UPDATE outer_answered SET content = NEW.refund_state, told = 0
    WHERE kind = 'offline' AND object = NEW.payment_id AND content <> CAST(NEW.refund_state AS TEXT);
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'offline', NEW.payment_id, NEW.refund_state
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'offline' AND object = NEW.payment_id);
END;
CREATE TRIGGER outer_request_answered AFTER INSERT ON notice_request_result BEGIN
  UPDATE outer_answered SET content = NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, ''), told = 0
    WHERE kind = 'request' AND object = NEW.request_id
    AND content <> NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, '');
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'request', NEW.request_id, NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, '')
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'request' AND object = NEW.request_id);
END;
CREATE TRIGGER outer_request_answered_anew AFTER UPDATE ON notice_request_result BEGIN
  UPDATE outer_answered SET content = NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, ''), told = 0
    WHERE kind = 'request' AND object = NEW.request_id
    AND content <> NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, '');
  INSERT INTO outer_answered (kind, object, content)
    SELECT 'request', NEW.request_id, NEW.state || ':' || ifnull(NEW.pay_code, '') || ':' || ifnull(NEW.reason_code, '')
    WHERE NOT EXISTS (SELECT 1 FROM outer_answered WHERE kind = 'request' AND object = NEW.request_id);
END;

-- 异常: what a channel said that does not fit, for people to look at
CREATE TABLE outer_exception (
  exception_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  platform_order_no TEXT NOT NULL,
  document TEXT NOT NULL,
  -- whether the channel speaks of money that came in
  has_money INTEGER NOT NULL CHECK (has_money IN (0, 1)),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  -- who asked that it be closed, and when
  maker TEXT,
  make_time TEXT CHECK (length(make_time) = 17),
  -- what was done
  note TEXT,
  -- 确认单号 of the payment that its money is
  confirm_id TEXT REFERENCES outer_txn (confirm_id),
  is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1)),
  closed_by TEXT,
  close_time TEXT CHECK (length(close_time) = 17),
  UNIQUE (channel, channel_order_no, platform_order_no, document),
  CHECK ((maker IS NULL) = (make_time IS NULL) AND (maker IS NULL) <= (confirm_id IS NULL)),
  CHECK ((is_closed = 1) = (closed_by IS NOT NULL) AND (is_closed = 1) = (close_time IS NOT NULL)),
  CHECK ((note IS NOT NULL) = (is_closed = 1 OR maker IS NOT NULL)),
  -- What has money in it is closed by two people.
  CHECK (is_closed = 0 OR has_money = 0 OR (maker IS NOT NULL AND maker <> closed_by))
) STRICT;
CREATE INDEX outer_exception_open ON outer_exception (exception_id) WHERE is_closed = 0;
CREATE INDEX outer_exception_order ON outer_exception (platform_order_no);
CREATE TRIGGER outer_exception_stays BEFORE UPDATE ON outer_exception
WHEN OLD.is_closed = 1 OR NEW.kind <> OLD.kind OR NEW.channel <> OLD.channel OR NEW.channel_order_no <> OLD.channel_order_no
  OR NEW.platform_order_no <> OLD.platform_order_no OR NEW.document <> OLD.document OR NEW.has_money <> OLD.has_money
  OR NEW.create_time <> OLD.create_time BEGIN
  SELECT RAISE(ABORT, 'what a channel said stays, and what was decided about it');
END;
CREATE TRIGGER outer_exception_remains BEFORE DELETE ON outer_exception BEGIN
  SELECT RAISE(ABORT, 'exceptions remain');
END;
