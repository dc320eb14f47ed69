namespace Pachyderm.RecordStores.Snapshot;

/// <summary>What becomes of a record in <see cref="SnapshotRewriter"/>. The default is <see cref="Keep"/>.</summary>
public readonly record struct RecordRewrite
{
    private RecordRewrite(RecordRewriteKind kind, ReadOnlyMemory<byte> value)
    {
        Kind = kind;
        Value = value;
    }

    /// <summary>The record stays as it is.</summary>
    public static RecordRewrite Keep => default;

    /// <summary>The record goes.</summary>
    public static RecordRewrite Drop => new(RecordRewriteKind.Drop, default);

    /// <summary>What is to be done.</summary>
    public RecordRewriteKind Kind { get; }

    /// <summary>The new value of <see cref="RecordRewriteKind.Replace"/>.</summary>
    public ReadOnlyMemory<byte> Value { get; }

    /// <summary>The record gets another value and keeps its revisions, version and lease.</summary>
    /// <param name="value">The new value; it is copied before the next record is looked at by the same thread.</param>
    public static RecordRewrite Replace(ReadOnlyMemory<byte> value) => new(RecordRewriteKind.Replace, value);
}

/// <summary>Kinds of <see cref="RecordRewrite"/>.</summary>
public enum RecordRewriteKind
{
    /// <summary>The record stays as it is.</summary>
    Keep,

    /// <summary>The record gets another value.</summary>
    Replace,

    /// <summary>The record goes.</summary>
    Drop,
}
