namespace Pachyderm.Storage.Trees;

/// <summary>Writes that cannot be applied, such as a file where a directory is. The message is one line for the caller.</summary>
public sealed class TreeConflictException : Exception
{
    /// <summary>Creates it with its message.</summary>
    public TreeConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Creates it with its message and its cause.</summary>
    public TreeConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates it without a message.</summary>
    public TreeConflictException()
    {
    }
}
