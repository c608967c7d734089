//! One bad input, what must become of it, and whether that is what became of it.

use std::process::{Command, Output, Stdio};

use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};
use tests::demo::database::Database;
use tests::pair::{run, wait_until};

use super::place::Place;
use super::snapshot::Snapshot;

/// The most that an import may have in memory, in KiB: a hundredth of what the largest of the bad files would be.
const IMPORT_KIB_MAX: u64 = 256 * 1024;
/// The longest that an answer may take to be read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Changes a message after it was signed.
pub type Forge = fn(&mut Message);

/// How it is put in.
pub enum How {
    /// By the interface: method, path, token, type and bytes of the body.
    Ask { method: &'static str, path: String, token: Option<String>, form: &'static str, body: Vec<u8> },
    /// By the interface, in a message that a client signs so long ago, in milliseconds, and that is changed then.
    Send { path: &'static str, client: (&'static str, u8), document: Value, ago_ms: i64, forge: Option<Forge> },
    /// By the command line, with what is typed in.
    Run { program: &'static str, arguments: Vec<String>, typed: &'static str },
    /// By a statement in the zone's database.
    Write(String),
}

/// One bad input.
pub struct Case {
    /// What is bad about it.
    pub name: &'static str,
    zone: usize,
    how: How,
    /// The status of the answer, or the exit code; 0 for a statement that the database refuses.
    pub ends: i64,
    /// The stable id.
    pub code: &'static str,
    names: Vec<String>,
    writes: &'static [&'static str],
}

/// What was said.
struct Heard {
    ends: i64,
    code: String,
    /// The message in English and in Chinese.
    said: [String; 2],
    /// The next step in both; none where a report lists what to mend.
    next: Option<[String; 2]>,
}

impl Case {
    /// A case that nothing is demanded of yet.
    pub fn new(zone: usize, name: &'static str, how: How) -> Self {
        Self { name, zone, how, ends: 0, code: "", names: Vec::new(), writes: &[] }
    }

    /// A document of somebody with a token, or of nobody.
    pub fn post(zone: usize, name: &'static str, path: &str, token: Option<&str>, document: &Value) -> Self {
        Self::raw(zone, name, path, token, document.to_string().into_bytes())
    }

    /// The same with any bytes.
    pub fn raw(zone: usize, name: &'static str, path: &str, token: Option<&str>, body: Vec<u8>) -> Self {
        let token = token.map(str::to_owned);
        Self::new(zone, name, How::Ask { method: "POST", path: path.to_owned(), token, form: "application/json", body })
    }

    /// A question.
    pub fn get(zone: usize, name: &'static str, path: &str, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        Self::new(zone, name, How::Ask { method: "GET", path: path.to_owned(), token, form: "", body: Vec::new() })
    }

    /// A message of a client.
    pub fn send(
        zone: usize,
        name: &'static str,
        path: &'static str,
        client: (&'static str, u8),
        document: Value,
    ) -> Self {
        Self::new(zone, name, How::Send { path, client, document, ago_ms: 0, forge: None })
    }

    /// The message is changed after it was signed.
    pub fn forged(mut self, change: Forge) -> Self {
        if let How::Send { forge, .. } = &mut self.how {
            *forge = Some(change);
        }
        self
    }

    /// The message was signed so long ago, in milliseconds.
    pub fn signed_ago(mut self, ms: i64) -> Self {
        if let How::Send { ago_ms, .. } = &mut self.how {
            *ago_ms = ms;
        }
        self
    }

    /// How it must end, and the code that must be told.
    pub fn ends(mut self, ends: i64, code: &'static str) -> Self {
        (self.ends, self.code) = (ends, code);
        self
    }

    /// What the message or the next step must name, in both languages.
    pub fn naming(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// The only tables in which something may be noted.
    pub fn noting(mut self, tables: &'static [&'static str]) -> Self {
        self.writes = tables;
        self
    }

    /// What is wrong about what became of it.
    pub fn judge(&self, place: &Place) -> Vec<String> {
        let before = Snapshot::of(place, self.zone);
        let heard = self.put_in(place);
        let mut faults = before.changed(&Snapshot::of(place, self.zone), self.writes);
        if heard.ends != self.ends {
            faults.push(format!("ends with {} instead of {}: {} {:?}", heard.ends, self.ends, heard.code, heard.said));
        } else if heard.code != self.code {
            faults.push(format!("its code is {} instead of {}: {:?}", heard.code, self.code, heard.said));
        }
        let whole = |lang: usize| {
            let next = heard.next.as_ref().map_or("", |next| next[lang].as_str());
            format!("{} / {next}", heard.said[lang])
        };
        for name in &self.names {
            let silent = [whole(0), whole(1)].into_iter().filter(|said| !said.contains(name));
            faults.extend(silent.map(|said| format!("does not name {name}: {said}")));
        }
        if matches!(self.how, How::Write(_)) {
            return faults;
        }
        let steps = heard.next.unwrap_or_else(|| heard.said.clone());
        let is_chinese = |text: &String| text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
        if steps[0].is_empty() || steps[1].is_empty() {
            faults.push("says no next step".to_owned());
        }
        if !is_chinese(&heard.said[1]) || !is_chinese(&steps[1]) {
            faults.push(format!("does not speak Chinese: {} / {}", heard.said[1], steps[1]));
        }
        faults
    }

    fn put_in(&self, place: &Place) -> Heard {
        let line = place.node(self.zone).line();
        match &self.how {
            How::Ask { method, path, token, form, body } => ask(method, &line.url(path), token.as_deref(), form, body),
            How::Send { path, client: (id, seed), document, ago_ms, forge } => {
                let (key, now) = (pair(*seed).0, SystemClock.now().plus_ms(-ago_ms));
                let mut message = Message::sign(&key, id, document, now, &SystemEntropy::new()).unwrap();
                if let Some(forge) = forge {
                    forge(&mut message);
                }
                ask("POST", &line.url(path), None, "application/json", json!(message).to_string().as_bytes())
            }
            How::Run { program, arguments, typed } => obey(program, arguments, typed),
            How::Write(sql) => write(place, self.zone, sql),
        }
    }
}

/// Asks over HTTP.
fn ask(method: &str, url: &str, token: Option<&str>, form: &str, body: &[u8]) -> Heard {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let token = token.map(|token| format!("Bearer {token}"));
    let answer = if method == "GET" {
        token.iter().fold(agent.get(url), |request, token| request.header("Authorization", token)).call()
    } else {
        let request = agent.post(url).header("Content-Type", form);
        token.iter().fold(request, |request, token| request.header("Authorization", token)).send(body)
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().unwrap();
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"));
    let error = &document["error"];
    let told = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    let faults = |message: &str| {
        let list = error["faults"].as_array().cloned().unwrap_or_default();
        let one = |fault: Value| {
            let field = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
            format!("\n{}.{}: {} ({})", field("table"), field("column"), field(message), field("rule"))
        };
        list.into_iter().map(one).collect::<String>()
    };
    Heard {
        ends: answer.status().as_u16().into(),
        code: told("code"),
        said: [told("message") + &faults("message"), told("message_zh") + &faults("message_zh")],
        next: Some([told("next"), told("next_zh")]),
    }
}

/// Runs a command in both languages.
fn obey(program: &str, arguments: &[String], typed: &'static str) -> Heard {
    let [english, chinese] = ["C", "zh_CN.UTF-8"].map(|lang| {
        let mut command = Command::new(tests::pair::program(program));
        command.env("LC_ALL", lang).arg("--json").args(arguments);
        let output = typed_into(&mut command, typed);
        let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        let last = text.split(|byte| *byte == b'\n').rfind(|line| line.starts_with(b"{")).unwrap_or(text);
        let document: Value = serde_json::from_slice(last)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(text)));
        (output.status.code().map_or(-1, i64::from), document)
    });
    assert_eq!(english.0, chinese.0, "{arguments:?}");
    if english.1["error"].is_null() {
        return reported(english.0, &english.1);
    }
    let told = |field: &str| {
        [&english.1, &chinese.1].map(|document| document["error"][field].as_str().unwrap_or_default().to_owned())
    };
    let [code, _] = told("code");
    Heard { ends: english.0, code, said: told("message"), next: Some(told("next")) }
}

/// An import's report.
fn reported(ends: i64, report: &Value) -> Heard {
    let faults = report["faults"].as_array().cloned().unwrap_or_default();
    let lines = |message: &str| {
        let one = |fault: &Value| {
            let column = fault["column"].as_str().unwrap_or_default();
            format!("{} {column}: {}\n", fault["line"], fault[message].as_str().unwrap_or_default())
        };
        faults.iter().map(one).collect::<String>()
    };
    let code = faults.first().and_then(|fault| fault["rule"].as_str()).unwrap_or_default().to_owned();
    let imported = report["imported"].as_u64().map_or_else(String::new, |rows| format!("imported {rows}"));
    let said = [lines("message") + &imported, lines("message_zh") + &imported];
    Heard { ends, code, said, next: None }
}

/// Runs a command with what is typed into it, and watches its memory.
fn typed_into(command: &mut Command, typed: &str) -> Output {
    if typed.is_empty() {
        command.stdin(Stdio::null());
    } else {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, typed.as_bytes()).unwrap();
        command.stdin(reader);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    wait_until("a command to end", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0));
        child.try_wait().unwrap().is_some()
    });
    assert!(most < IMPORT_KIB_MAX, "{command:?} had {most} KiB in memory");
    child.wait_with_output().unwrap()
}

/// Writes into a zone's database as any program of the zone can.
fn write(place: &Place, zone: usize, sql: &str) -> Heard {
    let mut database = Database::open(&place.town.pair.database(zone)).unwrap();
    let result = database.run(sql, &[]);
    database.close();
    let said = result.map_or_else(|failure| format!("{failure:?}"), |changed| format!("{changed} rows were changed"));
    Heard { ends: 0, code: String::new(), said: [said.clone(), said], next: None }
}

/// The arguments of a command, with a configuration.
pub fn run_with(program: &'static str, config: &str, arguments: &[&str], typed: &'static str) -> How {
    let all = ["--config", config].into_iter().chain(arguments.iter().copied()).map(str::to_owned);
    How::Run { program, arguments: all.collect(), typed }
}

/// Runs a command that must succeed.
pub fn succeed(command: &mut Command) {
    tests::pair::expect_success(&run(command));
}
