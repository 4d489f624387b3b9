//! Filters and pages of the describe calls. Names and values of filters are case-sensitive.

use super::{
    error::{Ec2Error, Ec2Result},
    model::Tags,
    state::World,
};

const MAX_RESULTS: usize = 1000;

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
    /// `MaxResults`: at least 5.
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
    /// Returns one page of the items that match all filters. `names` are the filters of the call; `tag:*` stands for a tag's key.
    /// `values` returns an item's values by a filter's name.
    pub(super) fn page<'a, T: Clone + 'a>(
        &self,
        items: impl Iterator<Item = &'a T>,
        names: &[&str],
        filters: &[Filter],
        request: &PageRequest,
        values: impl Fn(&'a T, &str) -> Vec<&'a str>,
    ) -> Ec2Result<Page<T>> {
        filters.iter().try_for_each(|filter| check_name(names, &filter.name))?;
        let (start, size) = (start(request)?, size(request)?.min(self.page_size_max));
        let matches = |item: &&'a T| {
            filters.iter().all(|filter| {
                let found = values(item, &filter.name);
                filter.values.iter().any(|value| found.contains(&value.as_str()))
            })
        };
        let found: Vec<&T> = items.filter(matches).collect();
        let end = start.saturating_add(size);
        let next_token = (end < found.len()).then(|| format!("page-{end}"));
        Ok(Page { items: found.into_iter().take(end).skip(start).cloned().collect(), next_token })
    }
}

/// Returns the values of the filters `tag-key` and `tag:KEY`.
pub(super) fn tag_values<'a>(tags: &'a Tags, name: &str) -> Vec<&'a str> {
    match name.strip_prefix("tag:") {
        Some(key) => tags.get(key).map(String::as_str).into_iter().collect(),
        None => tags.keys().map(String::as_str).collect(),
    }
}

/// EC2 refuses an unknown filter, also where nothing would match.
fn check_name(names: &[&str], name: &str) -> Ec2Result<()> {
    if names.contains(&name) || (names.contains(&"tag:*") && name.starts_with("tag:")) {
        Ok(())
    } else {
        Err(Ec2Error::new("InvalidParameterValue", format!("The filter '{name}' is invalid")))
    }
}

/// The size of a page: "if MaxResults is given a value larger than 1,000, only 1,000 results are returned".
fn size(request: &PageRequest) -> Ec2Result<usize> {
    match request.max_results {
        None => Ok(MAX_RESULTS),
        Some(n @ 5..) => Ok(usize::try_from(n).map_or(MAX_RESULTS, |n| n.min(MAX_RESULTS))),
        Some(n) => {
            let error = Ec2Error::invalid_value(&n.to_string(), "maxResults");
            Err(Ec2Error { message: format!("{} Expecting a value of at least 5.", error.message), ..error })
        }
    }
}

fn start(request: &PageRequest) -> Ec2Result<usize> {
    let Some(token) = &request.next_token else { return Ok(0) };
    let start = token.strip_prefix("page-").and_then(|start| start.parse().ok());
    start.ok_or_else(|| Ec2Error::new("InvalidNextToken", "The token is invalid"))
}
