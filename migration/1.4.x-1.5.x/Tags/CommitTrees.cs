using System.Text;
using Google.Protobuf;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>The commits that past jobs read, by number, and their trees. About 200 bytes a commit.</summary>
internal sealed class CommitTrees
{
    private readonly Dictionary<ByteString, int> _numbers = [];
    private readonly List<(ByteString Name, byte[]? Tree)> _commits = [];

    /// <summary>The number of a commit.</summary>
    public int Number(ByteString repo, ByteString id)
    {
        ByteString name = NameOf(repo, id);
        if (!_numbers.TryGetValue(name, out int number))
        {
            number = _commits.Count;
            _numbers.Add(name, number);
            _commits.Add((name, null));
        }

        return number;
    }

    /// <summary>Notes a commit's tree, if any job has read the commit.</summary>
    public void SetTree(ByteString repo, ByteString id, ByteString treeHash)
    {
        if (_numbers.TryGetValue(NameOf(repo, id), out int number))
        {
            _commits[number] = (_commits[number].Name, treeHash.ToByteArray());
        }
    }

    /// <summary>The object that holds a commit's tree; null for a commit that has none or does not exist.</summary>
    public string? Tree(int number) => _commits[number].Tree is { } hash ? Encoding.Latin1.GetString(hash) : null;

    /// <summary>The commit, as <c>repo/id</c>.</summary>
    public ByteString Name(int number) => _commits[number].Name;

    // A repo's name has no slash.
    private static ByteString NameOf(ByteString repo, ByteString id) =>
        UnsafeByteOperations.UnsafeWrap((byte[])[.. repo.Span, (byte)'/', .. id.Span]);
}
