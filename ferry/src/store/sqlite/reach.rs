//! What else may change when rows of a table do: through triggers of the application, and through actions of foreign keys.
//!
//! The answer errs towards more: a statement of a trigger counts whether its conditions can hold or not.

use std::collections::BTreeSet;

use super::failure::DbError;
use super::lane::{Columns as _, Session, sql};
use super::words::{Word, words};

/// How the names of ferry's triggers begin.
pub(super) const OUR_TRIGGERS: &str = "ferry:";
/// How the names of ferry's tables begin.
const OUR_TABLES: &str = "ferry_";

/// Everything in the database by which one change leads to others.
#[derive(Debug, Default)]
pub(super) struct Reach {
    triggers: Vec<Trigger>,
    actions: Vec<Action>,
}

/// A trigger that is not ferry's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trigger {
    /// Its name.
    pub name: String,
    /// The table or view on which it stands, in lower case.
    pub on: String,
    /// Whether it runs after the change.
    pub after: bool,
    /// Whether it can end the statement, or a row of it, and leave in place what was changed before: `RAISE` with `IGNORE`
    /// after the change, with `FAIL`, or a conflict clause that fails.
    pub leaves_halves: bool,
    /// Whether it can keep a row from being changed without an error, or roll the transaction back.
    pub skips: bool,
    /// The tables and views that its statements write, in lower case.
    writes: BTreeSet<String>,
}

/// A foreign key that changes rows of `child` when rows of `parent` change. Both in lower case.
#[derive(Debug)]
struct Action {
    parent: String,
    child: String,
}

/// What a change may lead to.
#[derive(Debug, Default)]
pub(super) struct Reached<'r> {
    tables: BTreeSet<String>,
    /// Triggers that may run.
    pub triggers: Vec<&'r Trigger>,
}

impl Reached<'_> {
    /// Whether rows of a table may change.
    pub fn has(&self, table: &str) -> bool {
        self.tables.contains(&table.to_ascii_lowercase())
    }
}

impl Reach {
    /// Reads the triggers and foreign keys of the database.
    pub fn read(session: &mut Session) -> Result<Self, DbError> {
        let mut reach = Self::default();
        for row in session.all(sql().catalog_triggers, &[])? {
            let (name, on, text) = (row.string(0)?, row.string(1)?, row.string(2)?);
            if !name.starts_with(OUR_TRIGGERS) {
                reach.triggers.push(Trigger::parse(name, &on, &text));
            }
        }
        for row in session.all(sql().catalog_actions, &[])? {
            let (child, parent) = (row.string(0)?, row.string(1)?);
            reach.actions.push(Action { parent: parent.to_ascii_lowercase(), child: child.to_ascii_lowercase() });
        }
        Ok(reach)
    }

    /// The application's triggers on a table.
    pub fn on(&self, table: &str) -> impl Iterator<Item = &Trigger> {
        let table = table.to_ascii_lowercase();
        self.triggers.iter().filter(move |trigger| trigger.on == table)
    }

    /// The application's triggers on ferry's own tables.
    pub fn on_ours(&self) -> impl Iterator<Item = &Trigger> {
        self.triggers.iter().filter(|trigger| trigger.on.starts_with(OUR_TABLES))
    }

    /// What the statements of a trigger may lead to.
    pub fn of(&self, trigger: &Trigger) -> Reached<'_> {
        self.follow(trigger.writes.iter().cloned().collect(), true)
    }

    /// What actions of foreign keys may lead to when rows of a table change, and the triggers that these set off.
    pub fn of_actions(&self, table: &str) -> Reached<'_> {
        self.follow(self.children(&table.to_ascii_lowercase()), true)
    }

    /// Whether actions of foreign keys alone lead from a table back to it.
    pub fn returns(&self, table: &str) -> bool {
        self.follow(self.children(&table.to_ascii_lowercase()), false).has(table)
    }

    fn children(&self, parent: &str) -> Vec<String> {
        self.actions.iter().filter(|action| action.parent == parent).map(|action| action.child.clone()).collect()
    }

    fn follow(&self, mut next: Vec<String>, with_triggers: bool) -> Reached<'_> {
        let mut reached = Reached::default();
        while let Some(table) = next.pop() {
            if !reached.tables.insert(table.clone()) {
                continue;
            }
            next.extend(self.children(&table));
            if with_triggers {
                let fired: Vec<&Trigger> = self.on(&table).collect();
                next.extend(fired.iter().flat_map(|trigger| trigger.writes.iter().cloned()));
                reached.triggers.extend(fired);
            }
        }
        reached
    }
}

impl Trigger {
    /// Reads the text of a trigger as the database keeps it: `CREATE TRIGGER name …`.
    fn parse(name: String, on: &str, text: &str) -> Self {
        let words = words(text);
        let after = words.get(3).is_some_and(|word| word.is("AFTER"));
        let body = words.iter().position(|word| word.is("BEGIN")).map_or(&words[..], |begin| &words[begin..]);
        let raises = |how: &str| {
            body.windows(3).any(|part| part[0].is("RAISE") && part[1] == Word::Sign('(') && part[2].is(how))
        };
        let resolves = |how: &str| body.windows(2).any(|part| part[0].is("OR") && part[1].is(how));
        let (ignores, fails) = (raises("IGNORE"), raises("FAIL") || resolves("FAIL"));
        Self {
            name,
            on: on.to_ascii_lowercase(),
            after,
            leaves_halves: fails || after && ignores,
            skips: ignores || fails || raises("ROLLBACK") || resolves("ROLLBACK"),
            writes: written(body),
        }
    }
}

/// The names that stand where a statement says what it writes.
fn written(body: &[Word]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (place, word) in body.iter().enumerate() {
        let at = |offset: usize| body.get(place + offset);
        let target = if word.is("INTO") {
            at(1)
        } else if word.is("DELETE") && at(1).is_some_and(|next| next.is("FROM")) {
            at(2)
        } else if word.is("UPDATE") && at(1).is_some_and(|next| next.is("OR")) {
            at(3)
        } else if word.is("UPDATE") && !at(1).is_some_and(|next| next.is("SET")) {
            at(1)
        } else {
            None
        };
        names.extend(target.and_then(Word::name));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_read_as_the_database_reads_it() {
        let text = "CREATE TRIGGER before /* BEFORE */ after INSERT ON Item WHEN NEW.a = 'DELETE FROM x' BEGIN
              INSERT INTO log SELECT * FROM a WHERE b; INSERT INTO \"Two\" VALUES (1) ON CONFLICT DO UPDATE SET x = 1;
              UPDATE OR IGNORE three SET a = replace(a, 'b', 'c') FROM d; UPDATE four SET a = 1; REPLACE INTO [five] VALUES (1);
              DELETE FROM 'six' WHERE a IN (SELECT b FROM seven); SELECT RAISE ( ABORT , 'INTO no'); END";
        let trigger = Trigger::parse("before".to_owned(), "Item", text);
        assert!(trigger.after && !trigger.leaves_halves && !trigger.skips);
        assert_eq!(trigger.on, "item");
        assert_eq!(trigger.writes.iter().collect::<Vec<_>>(), ["five", "four", "log", "six", "three", "two"]);
    }

    #[test]
    fn what_leaves_halves_and_what_skips_is_told_apart() {
        let of = |time: &str, body: &str| {
            let text = format!("CREATE TRIGGER t {time} INSERT ON a BEGIN {body}; END");
            let trigger = Trigger::parse("t".to_owned(), "a", &text);
            (trigger.after, trigger.leaves_halves, trigger.skips)
        };
        assert_eq!(of("BEFORE", "SELECT RAISE(IGNORE)"), (false, false, true));
        assert_eq!(of("", "SELECT RAISE(ROLLBACK, 'no')"), (false, false, true));
        assert_eq!(of("AFTER", "SELECT raise(ignore)"), (true, true, true));
        assert_eq!(of("BEFORE", "SELECT RAISE(FAIL, 'no')"), (false, true, true));
        assert_eq!(of("AFTER", "INSERT OR FAIL INTO b VALUES (1)"), (true, true, true));
        assert_eq!(of("AFTER", "INSERT OR IGNORE INTO b VALUES (1)"), (true, false, false));
    }

    #[test]
    fn triggers_and_actions_are_followed_to_their_ends() {
        let trigger = |name: &str, on: &str, body: &str| {
            Trigger::parse(name.to_owned(), on, &format!("CREATE TRIGGER {name} AFTER DELETE ON {on} BEGIN {body} END"))
        };
        let action = |parent: &str, child: &str| Action { parent: parent.to_owned(), child: child.to_owned() };
        let reach = Reach {
            triggers: vec![trigger("one", "b", "DELETE FROM c;"), trigger("two", "d", "UPDATE a SET x = 1;")],
            actions: vec![action("a", "b"), action("c", "d"), action("e", "e")],
        };
        let reached = reach.of_actions("A");
        assert!(["a", "b", "c", "d"].iter().all(|table| reached.has(table)) && !reached.has("e"));
        let names: BTreeSet<&str> = reached.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
        assert_eq!(names, ["one", "two"].into());
        assert!(reach.of(&reach.triggers[0]).has("a"));
        assert_eq!(["a", "c", "e"].map(|table| reach.returns(table)), [false, false, true]);
    }
}
