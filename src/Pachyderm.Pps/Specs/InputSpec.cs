namespace Pachyderm.Pps.Specs;

/// <summary>
/// An input as a request gives it, where any number of the four kinds may be set. <see cref="SpecValidation"/> finds what is wrong with it.
/// </summary>
public sealed record InputSpec
{
    /// <summary>Inputs may not be nested deeper than this; upstream had no bound but its stack.</summary>
    public const int MaxDepth = 64;

    /// <summary>The atom, if that is set.</summary>
    public AtomInput? Atom { get; init; }

    /// <summary>The children of a cross; none if that is not set.</summary>
    public ValueList<InputSpec> Cross { get; init; }

    /// <summary>The children of a union; none if that is not set.</summary>
    public ValueList<InputSpec> Union { get; init; }

    /// <summary>The cron, if that is set.</summary>
    public CronInput? Cron { get; init; }

    /// <summary>How many kinds are set.</summary>
    internal int Kinds => (Atom is null ? 0 : 1) + (Cross.Count > 0 ? 1 : 0) + (Union.Count > 0 ? 1 : 0) + (Cron is null ? 0 : 1);

    // The key by which siblings are sorted; what is no valid input sorts as if it had no name.
    internal string SortName =>
        Atom?.Name ?? (Cross.Count > 0 ? Cross[0].SortName : Union.Count > 0 ? Union[0].SortName : "");

    /// <summary>The children of a cross or a union.</summary>
    internal IEnumerable<InputSpec> Children => Cross.Items.AddRange(Union.Items);

    /// <summary>Takes an input back to the form of requests.</summary>
    public static InputSpec From(Input input) => input switch
    {
        AtomInput atom => new() { Atom = atom },
        CronInput cron => new() { Cron = cron },
        CrossInput cross => new() { Cross = cross.Inputs.Select(From).ToValueList() },
        UnionInput union => new() { Union = union.Inputs.Select(From).ToValueList() },
        _ => throw new ArgumentOutOfRangeException(nameof(input)),
    };

    /// <summary>The input.</summary>
    /// <exception cref="PpsException">Not exactly one kind is set, here or below.</exception>
    public Input ToInput() => Kinds switch
    {
        0 => throw PpsException.Invalid("no input set"),
        > 1 => throw PpsException.Invalid("multiple input types set"),
        _ when Atom is not null => Atom,
        _ when Cron is not null => Cron,
        _ when Cross.Count > 0 => new CrossInput(Cross.Select(static child => child.ToInput()).ToValueList()),
        _ => new UnionInput(Union.Select(static child => child.ToInput()).ToValueList()),
    };

    /// <summary>Every input in this one, children before their parent.</summary>
    internal IEnumerable<InputSpec> Visit()
    {
        foreach (InputSpec inner in Children.SelectMany(static child => child.Visit()))
        {
            yield return inner;
        }
        yield return this;
    }

    // Measured without recursion, since everything else recurses as deep as the input is.
    internal bool IsTooDeep()
    {
        List<InputSpec> level = [this];
        for (int depth = 1; level.Count > 0; depth++)
        {
            if (depth > MaxDepth)
            {
                return true;
            }
            level = [.. level.SelectMany(static input => input.Children)];
        }
        return false;
    }
}
