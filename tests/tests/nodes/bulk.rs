//! Base data of all kinds from files: `inner-node import` takes them in, both daemons carry them, and they are complete outside.
//!
//! A city, each kind in one form, unless `FERRY_IMPORT_SIZE=m` asks for a province, once in CSV and once in XLSX.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contract::rows::{BASE_KINDS, Kind};
use contract::{Cell, Generator, Size};
use encoding_rs::GB18030;
use rust_xlsxwriter::{Workbook, Worksheet};
use serde_json::Value;
use sm3::{Digest as _, Sm3};
use tests::bench::{Stopwatch, megabytes, peak_bytes, per_second, print_machine};
use tests::demo::database::Database;
use tests::nodes::Node;
use tests::pair::{INNER, Making, OUTER, Pair, environment, expect_success, leave_out, program, run, wait_until};

/// What sensitive columns hold in a file: a node encrypts it, so no two zones need to agree on more.
const PLAIN: &str = "13800001111";
/// What the memory of an import may come to, whatever the file: the stage's pages (`CACHE`, 64 MiB), the rows of one transaction
/// (`whole_rows`, 50 000) as JSON and as the statement takes them, and for a workbook its shared strings (`strings_bytes`, which
/// those of a province come nowhere near).
const CSV_BYTES_MAX: u64 = 128 << 20;
const XLSX_BYTES_MAX: u64 = 160 << 20;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Utf8,
    Gb18030,
    Xlsx,
}

/// Which form each kind comes in.
#[derive(Debug, Clone, Copy)]
enum Forms {
    Csv,
    Xlsx,
    Mixed,
}

impl Forms {
    fn of(self, place: usize) -> Form {
        match (self, place % 3) {
            (Self::Xlsx, _) | (Self::Mixed, 0) => Form::Xlsx,
            (Self::Csv | Self::Mixed, 1) => Form::Gb18030,
            (Self::Csv | Self::Mixed, _) => Form::Utf8,
        }
    }
}

#[test]
fn base_data_of_every_kind_is_imported_inside_and_arrives_outside_complete() {
    match environment("FERRY_IMPORT_SIZE").as_deref() {
        None | Some("s") => carry_through(Size::S, Forms::Mixed),
        Some("m") => [Forms::Csv, Forms::Xlsx].into_iter().for_each(|forms| carry_through(Size::M, forms)),
        Some(other) => panic!("FERRY_IMPORT_SIZE is s or m, and not {other}"),
    }
}

fn carry_through(size: Size, forms: Forms) {
    let zones = Zones::make();
    let generator = Generator::new(1, size);
    let written = write_files(&generator, forms, zones.pair.dir.path());
    let all: u64 = written.iter().map(|file| file.rows).sum();
    assert_eq!(all, generator.counts().total());
    let _daemons = [INNER, OUTER].map(|zone| zones.pair.start(zone));
    wait_until("the zones to greet each other", || {
        zones.pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
    });
    print_machine();
    println!("{forms:?}: file, rows, seconds, rows/s, resident at most in MB");
    let (whole, mut importing, mut peak) = (Stopwatch::start(), Duration::ZERO, 0);
    for file in &written {
        let (took, bytes) = zones.import(file);
        let (rows, megabytes_of_file) = (file.rows, megabytes(file.path.metadata().unwrap().len()));
        println!(
            "  {} ({:?}, {megabytes_of_file:.1} MB)  {rows}  {:.2}  {:.0}  {:.1}",
            file.kind.code,
            file.form,
            took.as_secs_f64(),
            per_second(rows, took),
            megabytes(bytes)
        );
        importing += took;
        peak = peak.max(bytes);
    }
    println!(
        "{forms:?}: {all} rows imported in {:.1} s, {:.0} rows/s, resident at most {:.1} MB",
        importing.as_secs_f64(),
        per_second(all, importing),
        megabytes(peak)
    );
    zones.until_outside(&written);
    println!("{forms:?}: complete outside {:.1} s after the first import began", whole.elapsed().as_secs_f64());
    let most = if matches!(forms, Forms::Csv) { CSV_BYTES_MAX } else { XLSX_BYTES_MAX };
    assert!(peak < most, "an import has taken {:.1} MB", megabytes(peak));
    zones.expect_complete(&written);
}

/// A file of one kind.
struct Written {
    kind: Kind,
    form: Form,
    path: PathBuf,
    rows: u64,
    /// The SM3 digest over its rows without sensitive columns, by id, each a JSON array on a line of its own.
    sm3: Vec<u8>,
}

/// Two zones, and the intranet node's tables in one of them. What one zone publishes lies in the other's drop directory at once.
struct Zones {
    pair: Pair,
    inner: Node,
}

impl Zones {
    fn make() -> Self {
        let pair = Pair::make(Making { no_gate: true, ..Making::default() });
        let field_key = pair.dir.path().join("field.key");
        expect_success(&run(Command::new(program("inner-node")).arg("field-key").arg(&field_key)));
        let inner = Node::make("inner-node", &pair.database(INNER), &field_key, "");
        Self { pair, inner }
    }

    fn import_command(&self, file: &Written) -> Command {
        let mut command = self.inner.command();
        command.args(["--json", "import", "--kind", file.kind.code]).arg(&file.path);
        command
    }

    /// Imports a file. Yields the time that it took, and the most memory that the process has had resident.
    fn import(&self, file: &Written) -> (Duration, u64) {
        let mut command = self.import_command(file);
        let (out, told) = (self.pair.dir.path().join("import.out"), self.pair.dir.path().join("import.err"));
        let [to, err] = [&out, &told].map(|path| std::fs::File::create(path).unwrap());
        command.stdin(Stdio::null()).stdout(to).stderr(err);
        let (watch, mut child) = (Stopwatch::start(), Running(command.spawn().unwrap()));
        let mut peak = 0;
        let mut ended = None;
        // A process that has ended has no memory, so the last look before that is what counts: the peak only grows.
        while ended.is_none() {
            peak = peak.max(peak_bytes(child.0.id()));
            tests::bench::pause(Duration::from_millis(10));
            ended = child.0.try_wait().unwrap();
        }
        let took = watch.elapsed();
        let (out, told) = (std::fs::read_to_string(out).unwrap(), std::fs::read_to_string(told).unwrap());
        assert!(ended.is_some_and(|status| status.success()), "{}: {out}{told}", file.kind.code);
        assert_eq!(told, "", "nothing is told where nobody looks");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (report["inserted"].as_u64(), report["refused"].as_u64(), &report["faults"]),
            (Some(file.rows), Some(0), &serde_json::json!([])),
            "{}",
            file.kind.code
        );
        (took, peak)
    }

    /// Waits until every table has as many rows outside as its file; each in turn, so that a large one has its own patience.
    fn until_outside(&self, written: &[Written]) {
        let mut database = Database::open(&self.pair.database(OUTER)).unwrap();
        for file in written {
            let sql = format!("SELECT count(*) FROM {}", file.kind.table);
            let mut arrived = 0;
            while arrived < file.rows {
                let before = arrived;
                wait_until(&format!("more than {before} rows of {} to arrive", file.kind.code), || {
                    arrived = database.number(&sql, &[]).unwrap();
                    arrived > before
                });
            }
        }
        database.close();
    }

    /// Both zones have the same rows of every kind, ciphertexts included, and those of the files.
    fn expect_complete(&self, written: &[Written]) {
        let [mut inner, mut outer] = [INNER, OUTER].map(|zone| Database::open(&self.pair.database(zone)).unwrap());
        for file in written {
            let (kind, all) = (file.kind, file.kind.definition().shape.columns);
            let here = stored(&mut inner, kind, all);
            assert_eq!(here.0, file.rows, "{}", kind.code);
            assert!(here == stored(&mut outer, kind, all), "{} differs between the zones", kind.code);
            let plain: Vec<&str> = plain_columns(kind).map(|(_, name)| name).collect();
            assert!(stored(&mut outer, kind, &plain).1 == file.sm3, "{} is not what the file says", kind.code);
        }
        inner.close();
        outer.close();
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended needs no signal.
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// How many rows a zone has of a kind, and the digest of some columns, taken as that of a file is.
fn stored(database: &mut Database, kind: Kind, columns: &[&str]) -> (u64, Vec<u8>) {
    let sql = format!("SELECT json_array({}) FROM {} ORDER BY id", columns.join(", "), kind.table);
    let lines = database.rows(&sql, &[], |row| row.text(0)).unwrap();
    (lines.len() as u64, digest(&lines))
}

fn digest(lines: &[String]) -> Vec<u8> {
    let mut hasher = Sm3::new();
    for line in lines {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_vec()
}

/// The columns that are not encrypted, each with its place.
fn plain_columns(kind: Kind) -> impl Iterator<Item = (usize, &'static str)> {
    let columns = kind.definition().columns.iter().enumerate();
    columns.filter(|(_, column)| !column.is_sensitive).map(|(place, column)| (place, column.name))
}

/// Writes the rows of every kind into a file each.
fn write_files(generator: &Generator, forms: Forms, directory: &Path) -> Vec<Written> {
    let mut changes = generator.base().peekable();
    let mut written = Vec::new();
    for (place, kind) in BASE_KINDS.into_iter().enumerate() {
        let rows = std::iter::from_fn(|| changes.next_if(|change| change.shape.table == kind.table));
        written.push(write_kind(kind, forms.of(place), rows.map(|change| change.cells), directory));
    }
    assert!(changes.next().is_none(), "the rows come in the order of the kinds");
    written
}

fn write_kind(kind: Kind, form: Form, rows: impl Iterator<Item = Vec<Cell>>, directory: &Path) -> Written {
    let columns = kind.definition().columns;
    let id = kind.definition().position("id").unwrap();
    let mut lines = BTreeMap::new();
    let mut noted = rows.map(|mut row| {
        let plain: Vec<Value> = plain_columns(kind).map(|(place, _)| json_of(&row[place])).collect();
        lines.insert(row[id].text().unwrap().to_owned(), Value::from(plain).to_string());
        for (cell, _) in
            row.iter_mut().zip(columns).filter(|(cell, column)| column.is_sensitive && **cell != Cell::Null)
        {
            *cell = Cell::Text(PLAIN.to_owned());
        }
        row
    });
    let extension = if form == Form::Xlsx { "xlsx" } else { "csv" };
    let path = directory.join(format!("{}.{extension}", kind.code.to_lowercase()));
    let names = kind.definition().shape.columns;
    match form {
        Form::Xlsx => write_xlsx(&path, names, &mut noted),
        Form::Utf8 | Form::Gb18030 => write_csv(&path, names, &mut noted, form),
    }
    drop(noted);
    let lines: Vec<String> = lines.into_values().collect();
    Written { kind, form, path, rows: lines.len() as u64, sm3: digest(&lines) }
}

fn json_of(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::from(*number),
        Cell::Text(text) => Value::from(text.as_str()),
    }
}

fn write_csv(path: &Path, names: &[&str], rows: &mut dyn Iterator<Item = Vec<Cell>>, form: Form) {
    let mut writer = csv::Writer::from_path(path).unwrap();
    let bytes = |text: &str| match form {
        Form::Gb18030 => GB18030.encode(text).0.into_owned(),
        Form::Utf8 | Form::Xlsx => text.as_bytes().to_vec(),
    };
    writer.write_byte_record(&names.iter().map(|name| bytes(name)).collect()).unwrap();
    for row in rows {
        let text = |cell: &Cell| match cell {
            Cell::Null => Vec::new(),
            Cell::Int(number) => bytes(&number.to_string()),
            Cell::Text(text) => bytes(text),
        };
        writer.write_byte_record(&row.iter().map(text).collect()).unwrap();
    }
    writer.flush().unwrap();
}

/// Text stands among the shared strings, as spreadsheet programs have it.
fn write_xlsx(path: &Path, names: &[&str], rows: &mut dyn Iterator<Item = Vec<Cell>>) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_low_memory().unwrap();
    let heads = names.iter().map(|name| Cell::Text((*name).to_owned())).collect();
    for (number, row) in (0..).zip(std::iter::once(heads).chain(rows)) {
        write_row(sheet, number, &row);
    }
    workbook.save(path).unwrap();
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a spreadsheet keeps numbers like that; none here has more than 15 digits"
)]
fn write_row(sheet: &mut Worksheet, number: u32, row: &[Cell]) {
    for (column, cell) in (0..).zip(row) {
        match cell {
            Cell::Null => {}
            Cell::Int(value) => drop(sheet.write_number(number, column, *value as f64).unwrap()),
            Cell::Text(text) => drop(sheet.write_string(number, column, text).unwrap()),
        }
    }
}

#[test]
fn the_bar_shows_rows_rate_and_time_left_on_a_terminal_and_nothing_elsewhere() {
    let test = "the_bar_shows_rows_rate_and_time_left_on_a_terminal_and_nothing_elsewhere";
    if Command::new("script").arg("--version").output().is_err() {
        return leave_out(
            test,
            "there is no script, which gives a program a terminal; the Debian package bsdutils has it",
        );
    }
    let zones = Zones::make();
    let generator = Generator::new(1, Size::S);
    let regions = || generator.regions().map(|row| contract::Change::insert(&row).cells);
    let directory = zones.pair.dir.path();
    for form in [Form::Utf8, Form::Xlsx] {
        let file = write_kind(BASE_KINDS[0], form, regions(), directory);
        for (lang, words) in
            [("C", [" of 44,703 rows, ", " rows/s, ", " left"]), ("zh_CN.UTF-8", ["/44,703 行，", " 行/秒，", "剩余 "])]
        {
            let shown = on_a_terminal(&zones.import_command(&file), lang);
            let steps = if lang == "C" { ["reading [", "comparing ["] } else { ["读取 [", "比对 ["] };
            for step in steps {
                let bars = shown.split(step).skip(1).map(|rest| rest.split('\r').next().unwrap_or_default());
                let is_whole = |bar: &str| words.iter().all(|word| bar.contains(word));
                assert!(bars.clone().any(is_whole), "{form:?} {lang} {step}: {shown}");
            }
        }
        let quiet = run(&mut zones.import_command(&file));
        expect_success(&quiet);
        assert!(quiet.stderr.is_empty() && quiet.stdout.starts_with(b"{"), "{quiet:?}");
    }
}

/// Runs a command in a terminal of its own, and yields what that shows.
fn on_a_terminal(command: &Command, lang: &str) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let line = format!("stty cols 120; LANG={lang} LC_ALL={lang} {}", quoted.join(" "));
    let shown = run(Command::new("script").args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm"));
    expect_success(&shown);
    String::from_utf8_lossy(&shown.stdout).into_owned()
}
