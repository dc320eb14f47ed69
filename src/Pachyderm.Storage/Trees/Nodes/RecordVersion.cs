namespace Pachyderm.Storage.Trees.Nodes;

/// <summary>What the two codecs for records outside of nodes have in common.</summary>
internal static class RecordVersion
{
    internal static void Check(ref ByteReader reader, byte version)
    {
        byte found = reader.Byte();
        if (found != version)
        {
            throw reader.Damaged($"it has version {found}, and this release reads version {version}");
        }
    }

    internal static void CheckEnd(int left)
    {
        if (left != 0)
        {
            throw new ByteReader([]).Damaged($"{left} bytes follow it");
        }
    }
}
