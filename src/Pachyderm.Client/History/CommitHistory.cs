using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.WellKnownTypes;

namespace Pachyderm.Client.History;

/// <summary>A finished commit that is to be copied.</summary>
/// <param name="Id">As its cluster names it.</param>
/// <param name="CopyId">The identifier of the copy: the same if it has the form of one.</param>
/// <param name="Started">When it was started, if that is known.</param>
/// <param name="Finished">When it was finished.</param>
/// <param name="Size">Bytes of all its files; null where the cluster means something else by it.</param>
internal sealed record SourceCommit(string Id, string CopyId, Timestamp? Started, Timestamp? Finished, ulong? Size)
{
    private const int IdLength = 32;

    /// <summary>Whether a text is an identifier as all releases since 1.4 make them: a UUID of version 4 in 32 digits.</summary>
    public static bool IsIdentifier(string id) => id.Length == IdLength && id[12] == '4' && id.All(char.IsAsciiHexDigitLower);

    /// <summary>
    /// The identifier of a copy whose source has another form of identifiers: always the same for the same commit, and another for one of
    /// the same name in a repo that was deleted and made again.
    /// </summary>
    public static string Derive(string repo, string id, Timestamp? started)
    {
        string time = string.Create(CultureInfo.InvariantCulture, $"{started?.Seconds ?? 0}.{started?.Nanos ?? 0}");
        string name = $"pachyderm commit\n{repo}\n{id}\n{time}";
        Span<byte> hash = SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, IdLength / 2);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x40);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return Convert.ToHexStringLower(hash);
    }
}

/// <summary>What led to the newest commit of a branch.</summary>
/// <param name="Commits">The finished commits, oldest first.</param>
/// <param name="Open">Those that are not finished.</param>
/// <param name="Dropped">Those of 1.3 that were cancelled or archived.</param>
internal sealed record CommitHistory(IReadOnlyList<SourceCommit> Commits, IReadOnlyList<string> Open, IReadOnlyList<string> Dropped);
