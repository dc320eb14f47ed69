namespace Pachyderm.Pfs;

/// <summary>How a file's bytes become files.</summary>
public enum SplitDelimiter
{
    /// <summary>As one file.</summary>
    None = 0,

    /// <summary>As a directory of files that hold whole JSON values.</summary>
    Json = 1,

    /// <summary>As a directory of files that hold whole lines.</summary>
    Line = 2,
}

/// <summary>How a file is put.</summary>
public sealed record PutOptions
{
    /// <summary>Where the bytes are split into files.</summary>
    public SplitDelimiter Delimiter { get; init; }

    /// <summary>A file ends when it has so many values or lines; 0 for no such end. Without delimiter it has no meaning.</summary>
    public long TargetDatums { get; init; }

    /// <summary>A file ends with the value or line that brings it to so many bytes; 0 for no such end. With neither each is a file of its own.</summary>
    public long TargetBytes { get; init; }

    /// <summary>Whether what is at the path is removed first, instead of being appended to.</summary>
    public bool Overwrite { get; init; }
}
