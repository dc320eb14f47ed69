namespace Pachyderm.Pfs;

/// <summary>What kind of refusal a <see cref="PfsException"/> is. Hosts map it to a status code.</summary>
public enum PfsErrorKind
{
    /// <summary>What was named does not exist.</summary>
    NotFound = 1,

    /// <summary>What was to be created exists.</summary>
    AlreadyExists = 2,

    /// <summary>The request can never be right, whatever is stored.</summary>
    InvalidArgument = 3,

    /// <summary>The request does not fit what is stored at present, such as a write to a finished commit.</summary>
    FailedPrecondition = 4,

    /// <summary>The answer would be larger than one message may be.</summary>
    TooLarge = 5,

    /// <summary>Another server, which the request names as a source, failed or could not be reached.</summary>
    SourceUnavailable = 6,

    /// <summary>The request is not something this server does.</summary>
    Unimplemented = 7,
}
