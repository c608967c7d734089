//! Rows as JSON, for databases that take many at once.

use core::fmt::Write as _;

use super::Cell;

/// One JSON array of arrays: what [`Shape`](super::Shape)'s statements take as their parameter.
#[must_use]
pub fn json_rows(rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    let mut json = String::from("[");
    for (index, row) in rows.into_iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            push_cell(&mut json, cell);
        }
        json.push(']');
    }
    json.push(']');
    json
}

fn push_cell(json: &mut String, cell: &Cell) {
    match cell {
        Cell::Null => json.push_str("null"),
        Cell::Int(number) => write!(json, "{number}").expect("writing to a string cannot fail"),
        Cell::Text(text) => push_text(json, text),
    }
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                write!(json, "\\u{:04x}", u32::from(character)).expect("writing to a string cannot fail");
            }
            _ => json.push(character),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Cell, json_rows};

    #[test]
    fn values_are_spelled_as_json() {
        let rows =
            [vec![Cell::Null, Cell::Int(-5), Cell::Text("缴款\"码\\\n".to_owned())], vec![Cell::Text(String::new())]];
        assert_eq!(json_rows(rows), "[[null,-5,\"缴款\\\"码\\\\\\u000a\"],[\"\"]]");
        assert_eq!(json_rows([]), "[]");
    }
}
