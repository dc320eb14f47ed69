namespace Pachyderm.RecordStores;

/// <summary>How a commit fails.</summary>
public enum CommitFault
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>The store is lost before the transaction reaches it: nothing is written (<c>etcd-unreachable</c>).</summary>
    BeforeApplied,

    /// <summary>The store is lost before its answer comes: everything is written (<c>transaction-outcome-unknown</c>).</summary>
    AfterApplied,
}
