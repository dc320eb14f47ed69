namespace Pachyderm.Errors;

/// <summary>
/// Something that a person has to act on: a wrong address, a full disk, a store that is not at rest.
/// The message is one line that names the thing, what is wrong with it and what to do.
/// </summary>
public class OperatorException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="id">Stable identifier in kebab case, such as <c>etcd-unreachable</c>; scripts may match on it.</param>
    /// <param name="thing">What is affected: an address, a key, a path.</param>
    /// <param name="problem">What is wrong with it, without a final full stop.</param>
    /// <param name="remedy">What to do about it, without a final full stop.</param>
    /// <param name="inner">The failure underneath, if there is one.</param>
    public OperatorException(string id, string thing, string problem, string remedy, Exception? inner = null)
        : base($"{thing}: {problem}; {remedy}", inner)
    {
        Id = id;
        Thing = thing;
        Problem = problem;
        Remedy = remedy;
    }

    /// <summary>Stable identifier in kebab case.</summary>
    public string Id { get; }

    /// <summary>What is affected.</summary>
    public string Thing { get; }

    /// <summary>What is wrong with it.</summary>
    public string Problem { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }
}
