namespace Pachyderm.Metadata;

/// <summary>The change feed no longer goes back to where a reader wants to go on: it has to begin from the records again.</summary>
public sealed class ChangesTrimmedException : Exception
{
    /// <summary>Creates it with its message.</summary>
    public ChangesTrimmedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates it with its message and its cause.</summary>
    public ChangesTrimmedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates it without a message.</summary>
    public ChangesTrimmedException()
    {
    }
}
