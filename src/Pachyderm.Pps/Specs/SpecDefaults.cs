namespace Pachyderm.Pps.Specs;

/// <summary>What the server fills in before it checks a spec (spec/pps.md sections 1 and 2).</summary>
public static class SpecDefaults
{
    /// <summary>Translates old inputs, fills defaults and sorts inputs. What is missing and has no default stays missing.</summary>
    /// <param name="spec">The spec as it was given.</param>
    /// <param name="now">When a cron without a start begins.</param>
    /// <exception cref="PpsException">Both forms of input are set, or inputs are nested too deep.</exception>
    public static PipelineSpec Complete(PipelineSpec spec, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(spec);
        InputSpec? input = Translate(spec.Input, spec.LegacyInputs);
        string cacheSize = spec.CacheSize.Length == 0 ? PipelineSpec.DefaultCacheSize : spec.CacheSize;
        return spec with
        {
            Input = input is null ? null : Sort(Fill(input, spec.Name, now)),
            LegacyInputs = [],
            OutputBranch = spec.OutputBranch.Length == 0 ? PipelineSpec.DefaultBranch : spec.OutputBranch,
            CacheSize = cacheSize,
            Resources = spec.Resources ?? new ResourceSpec(0, cacheSize),
        };
    }

    /// <summary>The input of a request that may use the deprecated form: that becomes a cross, even of a single element.</summary>
    /// <returns>The input, or null if neither form is set.</returns>
    /// <exception cref="PpsException">Both are set, or inputs are nested too deep.</exception>
    public static InputSpec? Translate(InputSpec? input, ValueList<LegacyInput> legacy)
    {
        if (input is not null && legacy.Count > 0)
        {
            throw PpsException.Invalid("cannot set both Inputs and Input field");
        }
        if (input?.IsTooDeep() == true)
        {
            throw PpsException.Invalid($"inputs are nested deeper than {InputSpec.MaxDepth} levels");
        }
        return legacy.Count == 0
            ? input
            : new InputSpec
            {
                Cross = legacy.Select(static old => new InputSpec
                {
                    Atom = new AtomInput(old.Name, old.Repo, old.Branch, old.Commit, old.Glob, old.Lazy, old.FromCommit),
                }).ToValueList(),
            };
    }

    /// <summary>Sorts the children of every cross and union by name, stably, in byte order.</summary>
    public static InputSpec Sort(InputSpec input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input with { Cross = Sort(input.Cross), Union = Sort(input.Union) };
    }

    private static ValueList<InputSpec> Sort(ValueList<InputSpec> children) =>
        children.Select(Sort).OrderBy(static child => child.SortName, Utf8Comparer.Instance).ToValueList();

    private static InputSpec Fill(InputSpec input, string pipeline, DateTimeOffset now) => input with
    {
        Atom = input.Atom is not { } atom ? null : atom with
        {
            Name = atom.Name.Length == 0 ? atom.Repo : atom.Name,
            Branch = atom.Branch.Length == 0 ? PipelineSpec.DefaultBranch : atom.Branch,
        },
        Cron = input.Cron is not { } cron ? null : cron with
        {
            Repo = cron.Repo.Length == 0 ? $"{pipeline}_{cron.Name}" : cron.Repo,
            Start = cron.Start ?? now,
        },
        Cross = input.Cross.Select(child => Fill(child, pipeline, now)).ToValueList(),
        Union = input.Union.Select(child => Fill(child, pipeline, now)).ToValueList(),
    };

    // The order of UTF-8, which is Go's: UTF-16 would put surrogates before the last block of the first plane.
    private sealed class Utf8Comparer : IComparer<string>
    {
        public static Utf8Comparer Instance { get; } = new();

        public int Compare(string? x, string? y)
        {
            ReadOnlySpan<char> left = x;
            ReadOnlySpan<char> right = y;
            int common = left.CommonPrefixLength(right);
            if (common == left.Length || common == right.Length)
            {
                return left.Length.CompareTo(right.Length);
            }
            (char l, char r) = (left[common], right[common]);
            return char.IsSurrogate(l) == char.IsSurrogate(r) ? l.CompareTo(r) : char.IsSurrogate(l) ? 1 : -1;
        }
    }
}
