using System.Globalization;
using System.Text;
using Pachyderm.Storage.Adoption;

namespace Pachyderm.Storage.Tests.Adoption;

/// <summary>
/// Finds the objects of an old store: files in the local layout; in that of the clouds references to blocks, in files and in index files.
/// Reads as much of the wire form of protobuf as these have.
/// </summary>
internal static class OldIndexes
{
    public static IEnumerable<AdoptedObject> List(string root)
    {
        bool isCloud = Directory.EnumerateFiles(Path.Combine(root, "block")).Any();
        foreach (string path in Files(root, "object"))
        {
            string hash = Path.GetFileName(path);
            yield return isCloud
                ? Reference(hash, File.ReadAllBytes(path))
                : new AdoptedObject(hash, "object/" + hash, 0, new FileInfo(path).Length);
        }

        foreach (string path in Files(root, "index"))
        {
            foreach ((int field, byte[] entry) in Fields(File.ReadAllBytes(path)))
            {
                if (field == 1)
                {
                    Dictionary<int, byte[]> pair = Fields(entry).ToDictionary();
                    yield return Reference(Encoding.ASCII.GetString(pair[1]), pair[2]);
                }
            }
        }
    }

    private static string[] Files(string root, string directory) => Directory.Exists(Path.Combine(root, directory))
        ? [.. Directory.EnumerateFiles(Path.Combine(root, directory)).Order(StringComparer.Ordinal)] : [];

    private static AdoptedObject Reference(string hash, byte[] blockRef)
    {
        Dictionary<int, byte[]> reference = Fields(blockRef).ToDictionary();
        string block = Encoding.ASCII.GetString(Fields(reference[1]).ToDictionary()[1]);
        Dictionary<int, byte[]> range = Fields(reference.GetValueOrDefault(2) ?? []).ToDictionary();
        long lower = Number(range.GetValueOrDefault(1));
        return new AdoptedObject(hash, "block/" + block, lower, Number(range.GetValueOrDefault(2)) - lower);
    }

    private static long Number(byte[]? digits) =>
        digits is null ? 0 : long.Parse(Encoding.ASCII.GetString(digits), CultureInfo.InvariantCulture);

    // A number is given back as its decimal digits.
    private static IEnumerable<(int Field, byte[] Value)> Fields(byte[] message)
    {
        int place = 0;
        while (place < message.Length)
        {
            long tag = Varint(message, ref place);
            long value = Varint(message, ref place);
            if ((tag & 7) == 0)
            {
                yield return ((int)(tag >> 3), Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
                continue;
            }

            Assert.Equal(2, tag & 7);
            yield return ((int)(tag >> 3), message[place..(place + (int)value)]);
            place += (int)value;
        }
    }

    private static long Varint(byte[] message, ref int place)
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[place++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
