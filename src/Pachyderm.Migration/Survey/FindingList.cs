namespace Pachyderm.Migration.Survey;

/// <summary>
/// Findings with a bound on memory: every finding is counted by its identifier, the first <see cref="DetailLimit"/> of each are kept whole.
/// </summary>
public sealed class FindingList
{
    /// <summary>Findings of one identifier that are kept whole.</summary>
    public const int DetailLimit = 1000;

    private readonly Dictionary<string, (FindingSeverity Severity, long Count)> _counts = new(StringComparer.Ordinal);
    private readonly List<Finding> _details = [];

    /// <summary>The findings that were kept whole.</summary>
    public IReadOnlyList<Finding> Details => _details;

    /// <summary>How often each identifier was found.</summary>
    public IReadOnlyDictionary<string, (FindingSeverity Severity, long Count)> Counts => _counts;

    /// <summary>Adds a finding.</summary>
    public void Add(Finding finding)
    {
        long count = Count(finding.Id, finding.Severity, 1);
        if (count <= DetailLimit)
        {
            _details.Add(finding);
        }
    }

    /// <summary>Adds a finding that is built only if it will be kept whole; for the many of a damaged store.</summary>
    public void Add(string id, FindingSeverity severity, Func<(string Thing, string Problem, string Remedy)> details)
    {
        if (Count(id, severity, 1) <= DetailLimit)
        {
            (string thing, string problem, string remedy) = details();
            _details.Add(new Finding(id, severity, thing, problem, remedy));
        }
    }

    /// <summary>Adds all findings of another list.</summary>
    public void AddAll(FindingList other)
    {
        foreach (IGrouping<string, Finding> group in other._details.GroupBy(finding => finding.Id, StringComparer.Ordinal))
        {
            long already = _counts.TryGetValue(group.Key, out var known) ? known.Count : 0;
            _details.AddRange(group.Take((int)Math.Max(0, DetailLimit - already)));
        }

        foreach ((string id, (FindingSeverity severity, long count)) in other._counts)
        {
            Count(id, severity, count);
        }
    }

    private long Count(string id, FindingSeverity severity, long count)
    {
        _counts.TryGetValue(id, out var known);
        _counts[id] = (severity, known.Count + count);
        return known.Count + count;
    }
}
