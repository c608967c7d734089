-- The tables of the non-tax contract for SQLite, the same in both zones.
--
-- Foreign keys stand only within one stream: streams are applied independently of each other, so a row may
-- arrive before the row of another stream that it refers to. They are deferred, because a batch is one
-- transaction and its records come in the order of the owner's commits, collapsed to the last image of each key.
-- Nothing cascades: a cascade would change rows that no record names.
-- The columns stand in the order of the contract. Times are China time as digits; money is in fen.

-- 行政区划
CREATE TABLE base_region (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_region (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 4),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  gb2260_code TEXT NOT NULL CHECK (length(gb2260_code) = 6),
  bill_region_code TEXT,
  -- Three cities without counties stand again as their own county, under the same code.
  UNIQUE (fiscal_year, level_no, ele_code)
) STRICT;
CREATE INDEX base_region_parent ON base_region (parent_id);

-- 代理银行
CREATE TABLE base_agent_bank (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_agent_bank (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  pay_bank_no TEXT CHECK (length(pay_bank_no) = 12),
  is_noncash INTEGER NOT NULL CHECK (is_noncash IN (0, 1)),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_agent_bank_parent ON base_agent_bank (parent_id);

-- 主管部门
CREATE TABLE base_dept (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_dept (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  uscc TEXT CHECK (length(uscc) = 18),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_dept_parent ON base_dept (parent_id);

-- 归口财政部门
CREATE TABLE base_fin_dept (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_fin_dept (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  contact TEXT,
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_fin_dept_parent ON base_fin_dept (parent_id);

-- 票据种类
CREATE TABLE base_bill_type (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_bill_type (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  class_code TEXT NOT NULL CHECK (length(class_code) = 2),
  kind_code TEXT NOT NULL CHECK (length(kind_code) = 2),
  specimen_code TEXT,
  is_electronic INTEGER NOT NULL CHECK (is_electronic IN (0, 1)),
  medium INTEGER NOT NULL CHECK (medium BETWEEN 1 AND 3),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_bill_type_parent ON base_bill_type (parent_id);

-- 收入类别
CREATE TABLE base_category (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_category (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_category_parent ON base_category (parent_id);

-- 资金性质
CREATE TABLE base_fund_nature (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_fund_nature (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_fund_nature_parent ON base_fund_nature (parent_id);

-- 预算科目
CREATE TABLE base_budget_subject (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_budget_subject (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_budget_subject_parent ON base_budget_subject (parent_id);

-- 单位信息
CREATE TABLE base_agency (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_agency (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  region_id TEXT NOT NULL REFERENCES base_region (id) DEFERRABLE INITIALLY DEFERRED,
  dept_id TEXT NOT NULL REFERENCES base_dept (id) DEFERRABLE INITIALLY DEFERRED,
  fin_dept_id TEXT NOT NULL REFERENCES base_fin_dept (id) DEFERRABLE INITIALLY DEFERRED,
  uscc TEXT CHECK (length(uscc) = 18),
  unit_type INTEGER NOT NULL CHECK (unit_type BETWEEN 1 AND 2),
  address TEXT,
  phone TEXT,
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_agency_region ON base_agency (region_id);
CREATE INDEX base_agency_dept ON base_agency (dept_id);
CREATE INDEX base_agency_fin_dept ON base_agency (fin_dept_id);
CREATE INDEX base_agency_parent ON base_agency (parent_id);

-- 票据批次
CREATE TABLE base_bill_batch (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  batch_no TEXT NOT NULL,
  bill_type_id TEXT NOT NULL REFERENCES base_bill_type (id) DEFERRABLE INITIALLY DEFERRED,
  bill_code TEXT NOT NULL CHECK (length(bill_code) = 8),
  begin_no TEXT NOT NULL CHECK (length(begin_no) = 10),
  end_no TEXT NOT NULL CHECK (length(end_no) = 10 AND end_no >= begin_no),
  total INTEGER NOT NULL CHECK (total BETWEEN 1 AND 9999999999),
  UNIQUE (fiscal_year, batch_no),
  UNIQUE (bill_code, begin_no)
) STRICT;
CREATE INDEX base_bill_batch_bill_type ON base_bill_batch (bill_type_id);

-- 银行账户
CREATE TABLE base_account (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_account (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  bank_id TEXT NOT NULL REFERENCES base_agent_bank (id) DEFERRABLE INITIALLY DEFERRED,
  acct_no TEXT NOT NULL,
  open_bank_name TEXT NOT NULL,
  acct_kind INTEGER NOT NULL CHECK (acct_kind BETWEEN 1 AND 4),
  agency_id TEXT REFERENCES base_agency (id) DEFERRABLE INITIALLY DEFERRED,
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_account_bank ON base_account (bank_id);
CREATE INDEX base_account_agency ON base_account (agency_id);
CREATE INDEX base_account_parent ON base_account (parent_id);

-- 收入项目
CREATE TABLE base_income_item (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  ele_code TEXT NOT NULL,
  ele_name TEXT NOT NULL,
  parent_id TEXT REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  level_no INTEGER NOT NULL CHECK (level_no BETWEEN 1 AND 9),
  is_leaf INTEGER NOT NULL CHECK (is_leaf IN (0, 1)),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  uniform_code TEXT,
  category_id TEXT NOT NULL REFERENCES base_category (id) DEFERRABLE INITIALLY DEFERRED,
  fund_nature_id TEXT NOT NULL REFERENCES base_fund_nature (id) DEFERRABLE INITIALLY DEFERRED,
  unit_of_measure TEXT NOT NULL,
  policy_doc TEXT,
  settle_mode INTEGER NOT NULL CHECK (settle_mode BETWEEN 1 AND 2),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_income_item_category ON base_income_item (category_id);
CREATE INDEX base_income_item_fund_nature ON base_income_item (fund_nature_id);
CREATE INDEX base_income_item_parent ON base_income_item (parent_id);

-- 单位票据
CREATE TABLE base_agency_bill (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  agency_id TEXT NOT NULL REFERENCES base_agency (id) DEFERRABLE INITIALLY DEFERRED,
  bill_batch_id TEXT NOT NULL REFERENCES base_bill_batch (id) DEFERRABLE INITIALLY DEFERRED,
  begin_no TEXT NOT NULL CHECK (length(begin_no) = 10),
  end_no TEXT NOT NULL CHECK (length(end_no) = 10 AND end_no >= begin_no),
  next_no TEXT NOT NULL,
  issue_mode INTEGER NOT NULL CHECK (issue_mode BETWEEN 1 AND 2),
  UNIQUE (bill_batch_id, begin_no)
) STRICT;
CREATE INDEX base_agency_bill_agency ON base_agency_bill (agency_id);

-- 单位项目
CREATE TABLE base_agency_item (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  agency_id TEXT NOT NULL REFERENCES base_agency (id) DEFERRABLE INITIALLY DEFERRED,
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  account_id TEXT REFERENCES base_account (id) DEFERRABLE INITIALLY DEFERRED,
  UNIQUE (agency_id, item_id)
) STRICT;
CREATE INDEX base_agency_item_item ON base_agency_item (item_id);
CREATE INDEX base_agency_item_account ON base_agency_item (account_id);

-- 项目标准
CREATE TABLE base_item_standard (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  std_no INTEGER NOT NULL CHECK (std_no BETWEEN 1 AND 999),
  std_type INTEGER NOT NULL CHECK (std_type BETWEEN 1 AND 4),
  min_fen INTEGER CHECK (min_fen >= 0),
  max_fen INTEGER CHECK (max_fen >= 0 AND max_fen >= min_fen),
  unit_fen INTEGER CHECK (unit_fen >= 0),
  ratio_bp INTEGER CHECK (ratio_bp BETWEEN 0 AND 10000),
  unit_of_measure TEXT,
  UNIQUE (item_id, std_no)
) STRICT;

-- 项目分成
CREATE TABLE base_item_share (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  share_level INTEGER NOT NULL CHECK (share_level BETWEEN 1 AND 4),
  share_no INTEGER NOT NULL CHECK (share_no BETWEEN 1 AND 999),
  ratio_bp INTEGER NOT NULL CHECK (ratio_bp BETWEEN 0 AND 10000),
  account_id TEXT REFERENCES base_account (id) DEFERRABLE INITIALLY DEFERRED,
  fixed_fen INTEGER CHECK (fixed_fen >= 0),
  UNIQUE (item_id, share_level, share_no)
) STRICT;
CREATE INDEX base_item_share_account ON base_item_share (account_id);

-- 票据项目
CREATE TABLE base_bill_item (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  bill_type_id TEXT NOT NULL REFERENCES base_bill_type (id) DEFERRABLE INITIALLY DEFERRED,
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  UNIQUE (bill_type_id, item_id)
) STRICT;
CREATE INDEX base_bill_item_item ON base_bill_item (item_id);

-- 项目对应科目
CREATE TABLE base_item_subject (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  subject_id TEXT NOT NULL REFERENCES base_budget_subject (id) DEFERRABLE INITIALLY DEFERRED,
  share_level INTEGER CHECK (share_level BETWEEN 1 AND 4),
  UNIQUE (item_id, subject_id)
) STRICT;
CREATE INDEX base_item_subject_subject ON base_item_subject (subject_id);

-- 缴款通知书
CREATE TABLE pay_notice (
  pay_code TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  bill_date TEXT NOT NULL CHECK (length(bill_date) = 8),
  expire_date TEXT CHECK (length(expire_date) = 8 AND expire_date >= bill_date),
  payer_type INTEGER NOT NULL CHECK (payer_type BETWEEN 1 AND 2),
  payer_name TEXT NOT NULL,
  payer_id_no TEXT,
  payer_phone TEXT,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  late_fee_fen INTEGER NOT NULL CHECK (late_fee_fen >= 0),
  total_fen INTEGER NOT NULL CHECK (total_fen = amount_fen + late_fee_fen),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  biz_line TEXT NOT NULL CHECK (biz_line IN ('GENERAL', 'TRAFFIC', 'IMMIGRATION', 'SCHOOL', 'EXAM')),
  biz_ref TEXT,
  account_id TEXT,
  request_id TEXT,
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17)
) STRICT;
CREATE INDEX pay_notice_agency ON pay_notice (agency_id);
CREATE INDEX pay_notice_request ON pay_notice (request_id);

-- 缴款通知书明细
CREATE TABLE pay_notice_item (
  pay_code TEXT NOT NULL REFERENCES pay_notice (pay_code) DEFERRABLE INITIALLY DEFERRED,
  line_no INTEGER NOT NULL CHECK (line_no BETWEEN 1 AND 999),
  item_id TEXT NOT NULL,
  item_code TEXT NOT NULL,
  item_name TEXT NOT NULL,
  subj_code TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (pay_code, line_no)
) STRICT;

-- 线下缴款
CREATE TABLE offline_payment (
  payment_id TEXT NOT NULL PRIMARY KEY,
  pay_code TEXT NOT NULL,
  source INTEGER NOT NULL CHECK (source BETWEEN 1 AND 2),
  source_ref TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  pay_time TEXT NOT NULL CHECK (length(pay_time) = 14),
  pay_date TEXT NOT NULL CHECK (length(pay_date) = 8),
  book_no TEXT NOT NULL,
  refund_state INTEGER NOT NULL CHECK (refund_state BETWEEN 0 AND 2),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  UNIQUE (source, source_ref)
) STRICT;
CREATE INDEX offline_payment_pay_code ON offline_payment (pay_code);

-- 开具结果
CREATE TABLE notice_request_result (
  request_id TEXT NOT NULL PRIMARY KEY,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 2),
  pay_code TEXT,
  reason_code TEXT,
  reason TEXT,
  answer_time TEXT NOT NULL CHECK (length(answer_time) = 17),
  CHECK ((state = 1) = (pay_code IS NOT NULL) AND (state = 2) = (reason_code IS NOT NULL))
) STRICT;

-- 缴款确认
CREATE TABLE pay_confirm (
  confirm_id TEXT NOT NULL PRIMARY KEY,
  pay_code TEXT,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  biz_line TEXT NOT NULL CHECK (biz_line IN ('GENERAL', 'TRAFFIC', 'IMMIGRATION', 'SCHOOL', 'EXAM')),
  biz_ref TEXT,
  payer_type INTEGER NOT NULL CHECK (payer_type BETWEEN 1 AND 2),
  payer_name TEXT NOT NULL,
  payer_acct TEXT,
  pay_bank_no TEXT,
  platform_order_no TEXT NOT NULL,
  channel TEXT NOT NULL,
  channel_order_no TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  pay_time TEXT NOT NULL CHECK (length(pay_time) = 14),
  pay_date TEXT NOT NULL CHECK (length(pay_date) = 8),
  is_duplicate INTEGER NOT NULL CHECK (is_duplicate IN (0, 1)),
  evidence INTEGER NOT NULL CHECK (evidence BETWEEN 1 AND 2),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  UNIQUE (channel, channel_order_no)
) STRICT;
CREATE INDEX pay_confirm_pay_code ON pay_confirm (pay_code);
CREATE INDEX pay_confirm_platform_order_no ON pay_confirm (platform_order_no);

-- 缴款确认明细
CREATE TABLE pay_confirm_item (
  confirm_id TEXT NOT NULL REFERENCES pay_confirm (confirm_id) DEFERRABLE INITIALLY DEFERRED,
  line_no INTEGER NOT NULL CHECK (line_no BETWEEN 1 AND 999),
  item_code TEXT NOT NULL,
  item_name TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (confirm_id, line_no)
) STRICT;

-- 开具申请
CREATE TABLE notice_request (
  request_id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  biz_line TEXT NOT NULL CHECK (biz_line IN ('GENERAL', 'TRAFFIC', 'IMMIGRATION', 'SCHOOL', 'EXAM')),
  biz_ref TEXT,
  payer_type INTEGER NOT NULL CHECK (payer_type BETWEEN 1 AND 2),
  payer_name TEXT NOT NULL,
  payer_id_no TEXT,
  payer_phone TEXT,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  expire_date TEXT CHECK (length(expire_date) = 8),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17)
) STRICT;

-- 开具申请明细
CREATE TABLE notice_request_item (
  request_id TEXT NOT NULL REFERENCES notice_request (request_id) DEFERRABLE INITIALLY DEFERRED,
  line_no INTEGER NOT NULL CHECK (line_no BETWEEN 1 AND 999),
  item_code TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (request_id, line_no)
) STRICT;

-- 确认结果
CREATE TABLE confirm_result (
  confirm_id TEXT NOT NULL PRIMARY KEY,
  match_state INTEGER NOT NULL CHECK (match_state BETWEEN 1 AND 4),
  decision INTEGER NOT NULL CHECK (decision BETWEEN 1 AND 4),
  book_no TEXT NOT NULL,
  book_time TEXT NOT NULL CHECK (length(book_time) = 17),
  other_ref TEXT,
  diff_fen INTEGER NOT NULL CHECK (diff_fen BETWEEN -99999999999 AND 99999999999),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17)
) STRICT;
