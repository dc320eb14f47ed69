using System.Globalization;
using System.Text;

namespace Pachyderm.Migration.Survey;

/// <summary>Keys and names of a store as people can read them.</summary>
internal static class KeyText
{
    private const int Longest = 300;

    /// <summary>The bytes as UTF-8 text; control characters and invalid bytes as <c>\xNN</c>, cut after 300 characters.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        while (!bytes.IsEmpty && text.Length < Longest)
        {
            bool valid = Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done;
            if (valid && !Rune.IsControl(rune))
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (byte raw in bytes[..consumed])
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\x{raw:x2}");
                }
            }

            bytes = bytes[consumed..];
        }

        return bytes.IsEmpty ? text.ToString() : text.Append("...").ToString();
    }
}
