namespace Pachyderm.Migration.Survey;

/// <summary>What records tell of the release that wrote them.</summary>
[Flags]
public enum VersionEvidence
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Records in protobuf text: 1.4.</summary>
    Text = 1 << 0,

    /// <summary>Records in protobuf binary: 1.5.</summary>
    Binary = 1 << 1,

    /// <summary><c>gc_policy</c> or an <c>error</c> of a job: 1.4.3 or earlier.</summary>
    EarlyLeftovers = 1 << 2,

    /// <summary>A list of <c>inputs</c>: first written by 1.4.5 or earlier.</summary>
    Inputs = 1 << 3,

    /// <summary>A tree of <c>input</c>: 1.4.6 or later.</summary>
    Input = 1 << 4,

    /// <summary>A salt, stats or another field that 1.5.1 brought.</summary>
    Salt = 1 << 5,

    /// <summary>A binary job with a pipeline id: 1.5.0.</summary>
    BinaryPipelineId = 1 << 6,

    /// <summary>An open-commit entry: 1.5.</summary>
    OpenCommitEntry = 1 << 7,

    /// <summary>An entry of the Stopped indexes: 1.4, or upstream's own migration.</summary>
    StoppedIndex = 1 << 8,
}
