using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Pachyderm.Pfs;

/// <summary>Remembers many commits of one repo in 16 bytes each.</summary>
internal static class CommitSet
{
    /// <summary>Stands for an identifier; two identifiers of the same digest do not occur by chance.</summary>
    public static UInt128 Digest(string id) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(id.AsSpan()));
}
