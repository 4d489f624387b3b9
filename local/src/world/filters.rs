//! Filters and pages, as EC2's describe calls have them. Names and values are case-sensitive.

use super::{Ec2Error, World};

/// One filter: any of the values will do; several filters must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `MaxResults`.
    pub max_results: Option<i64>,
    /// `NextToken`.
    pub next_token: Option<String>,
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, if there is one.
    pub next_token: Option<String>,
}

/// Whether something passes all filters. `value` gives the values a filter's name stands for, or `None` for an unknown name.
pub(super) fn passes(filters: &[Filter], value: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, Ec2Error> {
    for filter in filters {
        let unknown = || Ec2Error::new("InvalidParameterValue", format!("The filter '{}' is invalid", filter.name));
        let has = value(&filter.name).ok_or_else(unknown)?;
        if !has.iter().any(|value| filter.values.contains(value)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl World {
    /// Cuts a page out of an answer, and copies only that. Tokens are opaque to callers.
    pub(super) fn page<T: Clone>(&self, items: Vec<&T>, request: &PageRequest) -> Result<Page<T>, Ec2Error> {
        let wanted = match request.max_results {
            None => 1000,
            Some(n @ 5..=1000) => usize::try_from(n).unwrap_or(1000),
            Some(n) => {
                return Err(Ec2Error::new(
                    "InvalidParameterValue",
                    format!("Value ( {n} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."),
                ));
            }
        };
        let start = match &request.next_token {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|n| n.parse().ok())
                .ok_or_else(|| Ec2Error::new("InvalidNextToken", "The token is invalid"))?,
        };
        let size = wanted.min(self.page_size_max);
        let total = items.len();
        let next_token = (start + size < total).then(|| format!("page-{}", start + size));
        Ok(Page { items: items.into_iter().skip(start).take(size).cloned().collect(), next_token })
    }
}
