namespace Pachyderm.Migration.Survey;

/// <summary>How a record's value is written.</summary>
public enum RecordEncoding
{
    /// <summary>Protobuf text: 1.4.</summary>
    Text,

    /// <summary>Protobuf binary: 1.5.</summary>
    Binary,

    /// <summary>Neither.</summary>
    Unreadable,
}
