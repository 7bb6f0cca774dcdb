//! Python's layout, as its formatter writes it: lines, imports, signatures, calls and docstrings.

const WIDTH: usize = 120;

/// What is sent: a value, or fields of such.
pub enum Sent {
    /// An expression.
    Value(String),
    /// Fields by their names on the wire.
    Fields(Vec<(String, Sent)>),
}

/// How linters sort names: constants, classes, then the rest.
pub fn order(name: &str) -> (u8, String) {
    let is_constant = name.len() > 1 && name.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '_');
    let is_class = name.starts_with(char::is_uppercase);
    (if is_constant { 0 } else { u8::from(!is_class) + 1 }, name.to_owned())
}

/// One import; nothing where no name is imported.
pub fn import(indent: &str, module: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let mut names = names.to_vec();
    names.sort_by_key(|name| (order(name).0, name.to_lowercase()));
    let line = format!("{indent}from {module} import {}\n", names.join(", "));
    if line.len() <= WIDTH {
        return line;
    }
    let names: String = names.iter().map(|name| format!("{indent}    {name},\n")).collect();
    format!("{indent}from {module} import (\n{names}{indent})\n")
}

/// Markdown with Rust's links as Python's names.
pub fn plain_docs(docs: &str) -> String {
    docs.replace("[`", "`").replace("`]", "`").replace("::", ".")
}

/// A docstring, with its lines no longer than the rest.
pub fn docstring(indent: &str, docs: &str) -> String {
    if docs.is_empty() {
        return String::new();
    }
    let line = format!("{indent}\"\"\"{docs}\"\"\"\n");
    if !docs.contains('\n') && line.chars().count() <= WIDTH + 1 {
        return line;
    }
    let mut lines: Vec<String> = Vec::new();
    // Lines of one paragraph are joined; what is indented stands on its own.
    let mut joined: Vec<String> = Vec::new();
    for line in docs.lines() {
        let goes_on = !line.is_empty() && !line.starts_with(' ') && joined.last().is_some_and(|last| !last.is_empty());
        match joined.last_mut() {
            Some(last) if goes_on && !last.starts_with(' ') => *last += &format!(" {line}"),
            _ => joined.push(line.to_owned()),
        }
    }
    for paragraph in &joined {
        let inner = paragraph.len() - paragraph.trim_start().len();
        wrap(paragraph.trim_start(), &" ".repeat(inner), indent, &mut lines);
    }
    let lines: String =
        lines.iter().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect();
    format!("{indent}\"\"\"{}{indent}\"\"\"\n", lines.trim_start())
}

fn wrap(text: &str, inner: &str, indent: &str, lines: &mut Vec<String>) {
    // The second line of what is indented stands deeper.
    let hanging = if inner.is_empty() { "" } else { "    " };
    // Room for the quotes before the first line.
    let width = WIDTH - indent.len() - 3;
    let mut line = inner.to_owned();
    for word in text.split(' ') {
        if line.trim().is_empty() {
            line += word;
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line = format!("{line} {word}");
        } else {
            lines.push(line);
            line = format!("{inner}{hanging}{word}");
        }
    }
    lines.push(line);
}

/// The head of a method.
pub fn signature(name: &str, parameters: &[String], gives: &str) -> String {
    let joined: String = parameters.iter().map(|parameter| format!(", {parameter}")).collect();
    let line = format!("    def {name}(self{joined}) -> {gives}:\n");
    if line.len() <= WIDTH + 1 {
        return format!("\n{line}");
    }
    let lines: String = parameters.iter().map(|parameter| format!("        {parameter},\n")).collect();
    format!("\n    def {name}(\n        self,\n{lines}    ) -> {gives}:\n")
}

/// The body of a method: one call.
pub fn call(function: &str, operation: &str, input: &[Sent], read: &str, levels: &[&str]) -> String {
    let mut arguments: Vec<String> = vec![format!("\"{operation}\"")];
    arguments.extend(input.iter().map(one_line));
    arguments.push(read.to_owned());
    arguments.extend(levels.iter().map(|level| (*level).to_owned()));
    let line = format!("        return self.{function}({})\n", arguments.join(", "));
    if line.len() <= WIDTH + 1 {
        return line;
    }
    let mut text = format!("        return self.{function}(\n            \"{operation}\",\n");
    for sent in input {
        text += &format!("            {},\n", lines(sent, 12));
    }
    for argument in arguments.iter().skip(1 + input.len()) {
        text += &format!("            {argument},\n");
    }
    text + "        )\n"
}

fn one_line(sent: &Sent) -> String {
    match sent {
        Sent::Value(value) => value.clone(),
        Sent::Fields(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, sent)| format!("\"{name}\": {}", inner(sent, one_line(sent)))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Fields inside fields: those that are not said are left out there as well.
fn inner(sent: &Sent, text: String) -> String {
    if matches!(sent, Sent::Fields(_)) { format!("_wire.said({text})") } else { text }
}

fn lines(sent: &Sent, indent: usize) -> String {
    let line = one_line(sent);
    let Sent::Fields(fields) = sent else { return line };
    if indent + line.len() < WIDTH {
        return line;
    }
    let spaces = " ".repeat(indent);
    let mut text = "{\n".to_owned();
    for (name, sent) in fields {
        let head = format!("{spaces}    \"{name}\": ");
        let line = inner(sent, one_line(sent));
        if let (Sent::Fields(_), true) = (sent, head.len() + line.len() + 1 > WIDTH) {
            text += &format!("{head}_wire.said(\n{spaces}        {}\n{spaces}    ),\n", lines(sent, indent + 8));
        } else {
            text += &format!("{head}{line},\n");
        }
    }
    format!("{text}{spaces}}}")
}
