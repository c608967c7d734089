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
  dept_code TEXT NOT NULL,
  fin_dept_code TEXT NOT NULL,
  uscc TEXT CHECK (length(uscc) = 18),
  unit_type INTEGER NOT NULL CHECK (unit_type IN (1, 2)),
  address TEXT,
  phone TEXT,
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_agency_parent ON base_agency (parent_id);
CREATE INDEX base_agency_region ON base_agency (region_id);

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
  category_code TEXT NOT NULL,
  fund_code TEXT NOT NULL,
  subj_code TEXT NOT NULL,
  unit_of_measure TEXT NOT NULL,
  policy_doc TEXT,
  settle_mode INTEGER NOT NULL CHECK (settle_mode IN (1, 2)),
  min_fen INTEGER NOT NULL CHECK (min_fen >= 0),
  max_fen INTEGER CHECK (max_fen >= min_fen),
  UNIQUE (mof_div_code, fiscal_year, ele_code)
) STRICT;
CREATE INDEX base_income_item_parent ON base_income_item (parent_id);

-- 单位项目
CREATE TABLE base_agency_item (
  id TEXT NOT NULL PRIMARY KEY,
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL REFERENCES base_agency (id) DEFERRABLE INITIALLY DEFERRED,
  item_id TEXT NOT NULL REFERENCES base_income_item (id) DEFERRABLE INITIALLY DEFERRED,
  is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
  start_date TEXT NOT NULL CHECK (length(start_date) = 8),
  end_date TEXT CHECK (length(end_date) = 8 AND end_date >= start_date),
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  UNIQUE (agency_id, item_id)
) STRICT;
CREATE INDEX base_agency_item_item ON base_agency_item (item_id);

-- 缴款通知书
CREATE TABLE pay_notice (
  pay_code TEXT NOT NULL PRIMARY KEY CHECK (length(pay_code) = 20),
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  bill_date TEXT NOT NULL CHECK (length(bill_date) = 8),
  expire_date TEXT CHECK (length(expire_date) = 8 AND expire_date >= bill_date),
  payer_type INTEGER NOT NULL CHECK (payer_type IN (1, 2)),
  payer_name TEXT NOT NULL,
  payer_id_no TEXT,
  payer_phone TEXT,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  late_fee_fen INTEGER NOT NULL CHECK (late_fee_fen >= 0),
  total_fen INTEGER NOT NULL CHECK (total_fen = amount_fen + late_fee_fen),
  state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
  biz_line TEXT NOT NULL CHECK (biz_line IN ('GENERAL', 'TRAFFIC', 'IMMIGRATION', 'SCHOOL', 'EXAM')),
  biz_ref TEXT,
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17)
) STRICT;

-- 缴款通知书明细
CREATE TABLE pay_notice_item (
  pay_code TEXT NOT NULL REFERENCES pay_notice (pay_code) DEFERRABLE INITIALLY DEFERRED,
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  item_id TEXT NOT NULL,
  item_code TEXT NOT NULL,
  item_name TEXT NOT NULL,
  subj_code TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 1),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (pay_code, line_no)
) STRICT;

-- 缴款确认
CREATE TABLE pay_confirm (
  confirm_id TEXT NOT NULL PRIMARY KEY,
  pay_code TEXT CHECK (length(pay_code) = 20),
  mof_div_code TEXT NOT NULL CHECK (length(mof_div_code) = 9),
  fiscal_year TEXT NOT NULL CHECK (length(fiscal_year) = 4),
  agency_id TEXT NOT NULL,
  biz_line TEXT NOT NULL CHECK (biz_line IN ('GENERAL', 'TRAFFIC', 'IMMIGRATION', 'SCHOOL', 'EXAM')),
  biz_ref TEXT,
  payer_type INTEGER NOT NULL CHECK (payer_type IN (1, 2)),
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
  create_time TEXT NOT NULL CHECK (length(create_time) = 17),
  update_time TEXT NOT NULL CHECK (length(update_time) = 17),
  UNIQUE (channel, channel_order_no)
) STRICT;
CREATE INDEX pay_confirm_pay_code ON pay_confirm (pay_code);

-- 缴款确认明细
CREATE TABLE pay_confirm_item (
  confirm_id TEXT NOT NULL REFERENCES pay_confirm (confirm_id) DEFERRABLE INITIALLY DEFERRED,
  line_no INTEGER NOT NULL CHECK (line_no >= 1),
  item_code TEXT NOT NULL,
  item_name TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 1),
  unit_fen INTEGER NOT NULL CHECK (unit_fen >= 0),
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  PRIMARY KEY (confirm_id, line_no)
) STRICT;
