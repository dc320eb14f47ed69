namespace Pachyderm.Pps;

/// <summary>Why a request cannot be fulfilled; each kind has one gRPC status.</summary>
public enum PpsErrorKind
{
    /// <summary>The request itself is wrong.</summary>
    InvalidArgument,

    /// <summary>Something that the request names does not exist.</summary>
    NotFound,

    /// <summary>Something with that name exists already.</summary>
    AlreadyExists,

    /// <summary>The request is right, but not in the present state.</summary>
    FailedPrecondition,
}

/// <summary>
/// A request that cannot be fulfilled. The message is one line for the caller and has the words that 1.5 clients match on.
/// </summary>
public sealed class PpsException : Exception
{
    /// <summary>Creates it.</summary>
    /// <param name="kind">Why.</param>
    /// <param name="message">One line for the caller.</param>
    /// <param name="inner">The failure underneath, if there is one.</param>
    public PpsException(PpsErrorKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>Why.</summary>
    public PpsErrorKind Kind { get; }

    /// <summary>An error of the request itself.</summary>
    internal static PpsException Invalid(string message) => new(PpsErrorKind.InvalidArgument, message);
}
