namespace Pachyderm.Formats;

/// <summary>How the value of a record is written.</summary>
public enum RecordEncoding
{
    /// <summary>No bytes, or white space only. Upstream stores no such record.</summary>
    Empty,

    /// <summary>Text, as 1.4 writes it.</summary>
    Text,

    /// <summary>Binary, as 1.5 writes it.</summary>
    Binary,

    /// <summary>Valid in both forms. No record that upstream writes is; nothing must be rewritten on a guess.</summary>
    Both,

    /// <summary>Valid in neither form: damaged, or not a record of this kind.</summary>
    Neither,
}
