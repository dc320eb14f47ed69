using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Pachyderm.Workers.Native;

/// <summary>Names of files, which Linux lets be any bytes.</summary>
internal static class OddNames
{
    /// <summary>A name, with or without its final zero byte, as text; <see langword="null"/> if it is not UTF-8.</summary>
    internal static string? Text(ReadOnlySpan<byte> name)
    {
        name = name.TrimEnd((byte)0);
        return Utf8.IsValid(name) ? Encoding.UTF8.GetString(name) : null;
    }

    /// <summary>A name for people: printable ASCII as it is, everything else of an odd name as <c>\xNN</c>.</summary>
    internal static string Show(ReadOnlySpan<byte> name)
    {
        name = name.TrimEnd((byte)0);
        string? text = Text(name);
        if (text is not null && !text.Any(char.IsControl))
        {
            return text;
        }

        StringBuilder shown = new();
        foreach (byte value in name)
        {
            _ = value is >= 0x20 and < 0x7f
                ? shown.Append((char)value)
                : shown.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return shown.ToString();
    }
}
