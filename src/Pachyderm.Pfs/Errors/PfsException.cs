namespace Pachyderm.Pfs;

/// <summary>A request that is refused. The message is one line for the caller; it keeps the fragments that clients of 1.5 look for.</summary>
/// <param name="kind">What kind of refusal it is.</param>
/// <param name="message">One line that names the thing and what is wrong with it.</param>
/// <param name="inner">The failure underneath, if there is one.</param>
public sealed class PfsException(PfsErrorKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of refusal it is.</summary>
    public PfsErrorKind Kind { get; } = kind;
}
