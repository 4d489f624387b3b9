//! The worked examples of `docs/policy-guide.md`, as its readers see them.

/// One example: a rule, its groups, its cases.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The heading it stands under.
    pub title: String,
    /// Its rules.
    pub cedar: String,
    /// `groups.json`, where it has one.
    pub groups: Option<String>,
    /// `cases.json`.
    pub cases: String,
}

const GUIDE: &str = include_str!("../../../docs/policy-guide.md");

/// Every section that shows a rule.
#[must_use]
pub fn examples() -> Vec<Example> {
    GUIDE.split("\n## ").skip(1).map(example).filter(|example| !example.cedar.is_empty()).collect()
}

/// The one under a heading.
#[must_use]
pub fn example_of(title: &str) -> Example {
    examples().into_iter().find(|example| example.title == title).unwrap()
}

fn example(section: &str) -> Example {
    let block = |kind: &str| {
        let (_, rest) = section.split_once(&format!("\n```{kind}\n"))?;
        rest.split_once("\n```").map(|(text, _)| text.to_owned())
    };
    Example {
        title: section.lines().next().unwrap_or_default().to_owned(),
        cedar: block("cedar").unwrap_or_default(),
        groups: block("json groups.json"),
        cases: block("json cases.json").unwrap_or_default(),
    }
}
