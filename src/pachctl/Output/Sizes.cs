using System.Globalization;

namespace Pachyderm.Pachctl.Output;

/// <summary>Numbers of bytes for people: four significant digits and a binary unit, as <c>5.346KiB</c>.</summary>
internal static class Sizes
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Formats a number of bytes.</summary>
    public static string Format(ulong bytes)
    {
        double size = bytes;
        int unit = 0;
        while (size >= 1024 && unit < Units.Length - 1)
        {
            size /= 1024;
            unit++;
        }

        return size.ToString("G4", CultureInfo.InvariantCulture) + Units[unit];
    }
}
