//! The examples of `docs/policy-guide.md`, as readers see them.

/// The example of one section.
#[derive(Debug, Clone, Default)]
pub struct Example {
    pub title: String,
    pub cedar: String,
    /// `groups.json`, if the section has one.
    pub groups: Option<String>,
    pub cases: String,
}

const GUIDE: &str = include_str!("../../../docs/policy-guide.md");

/// The examples of all sections that show a policy.
pub fn examples() -> Vec<Example> {
    GUIDE.split("\n## ").skip(1).map(example).filter(|example| !example.cedar.is_empty()).collect()
}

/// The example under a heading.
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
