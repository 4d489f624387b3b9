//! Filters and pages of the describe calls. Names and values of filters are case-sensitive.

use super::{
    error::{Ec2Error, Ec2Result},
    state::World,
};

/// A filter: one of its values must match. All filters of a call must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// `Name`.
    pub name: String,
    /// `Values`.
    pub values: Vec<String>,
}

/// The page that a call asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `MaxResults`: 5 to 1000.
    pub max_results: Option<i64>,
    /// `NextToken`.
    pub next_token: Option<String>,
}

/// One page of a describe call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// `NextToken`; `None` on the last page.
    pub next_token: Option<String>,
}

impl World {
    /// Returns one page of the items that match all filters. `values` returns an item's values by a filter's name, and `None`
    /// for an unknown name.
    pub(super) fn page<'a, T: Clone + 'a>(
        &self,
        items: impl Iterator<Item = &'a T>,
        filters: &[Filter],
        request: &PageRequest,
        values: impl Fn(&'a T, &str) -> Option<Vec<&'a str>>,
    ) -> Ec2Result<Page<T>> {
        let mut found = Vec::new();
        for item in items {
            if matches_all(filters, |name| values(item, name))? {
                found.push(item);
            }
        }
        let start = start(request)?;
        let end = start.saturating_add(size(request)?.min(self.page_size_max));
        let next_token = (end < found.len()).then(|| format!("page-{end}"));
        Ok(Page { items: found.into_iter().take(end).skip(start).cloned().collect(), next_token })
    }
}

fn matches_all<'a>(filters: &[Filter], values: impl Fn(&str) -> Option<Vec<&'a str>>) -> Ec2Result<bool> {
    for filter in filters {
        let unknown = || Ec2Error::new("InvalidParameterValue", format!("The filter '{}' is invalid", filter.name));
        let values = values(&filter.name).ok_or_else(unknown)?;
        if !filter.values.iter().any(|value| values.contains(&value.as_str())) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn size(request: &PageRequest) -> Ec2Result<usize> {
    match request.max_results {
        None => Ok(1000),
        Some(n @ 5..=1000) => Ok(usize::try_from(n).unwrap_or(1000)),
        Some(n) => {
            let error = Ec2Error::invalid_value(&n.to_string(), "maxResults");
            Err(Ec2Error { message: format!("{} Expecting a value between 5 and 1000.", error.message), ..error })
        }
    }
}

fn start(request: &PageRequest) -> Ec2Result<usize> {
    let Some(token) = &request.next_token else { return Ok(0) };
    let start = token.strip_prefix("page-").and_then(|start| start.parse().ok());
    start.ok_or_else(|| Ec2Error::new("InvalidNextToken", "The token is invalid"))
}
