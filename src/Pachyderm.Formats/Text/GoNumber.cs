using System.Globalization;
using System.Text;

namespace Pachyderm.Formats.Text;

/// <summary>Floating-point numbers as Go's <c>%v</c> writes them: the fewest digits that come back to the same number.</summary>
internal static class GoNumber
{
    // Go turns to an exponent from a million on, and below a ten-thousandth.
    private const int LargestPlainExponent = 5;
    private const int SmallestPlainExponent = -4;

    public static byte[] Format(double value) => Format(value, value.ToString("R", CultureInfo.InvariantCulture));

    public static byte[] Format(float value) => Format(value, value.ToString("R", CultureInfo.InvariantCulture));

    private static byte[] Format(double value, string shortest)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan"u8.ToArray() : value > 0 ? "inf"u8.ToArray() : "-inf"u8.ToArray();
        }

        string sign = shortest.StartsWith('-') ? "-" : "";
        string unsigned = shortest[sign.Length..];
        int e = unsigned.IndexOf('E', StringComparison.Ordinal);
        string mantissa = e < 0 ? unsigned : unsigned[..e];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string all = mantissa.Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');
        if (digits.Length == 0)
        {
            return Encoding.ASCII.GetBytes(sign + "0");
        }

        // The power of ten of the first digit.
        int exponent = (e < 0 ? 0 : int.Parse(unsigned.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
            + (point < 0 ? mantissa.Length : point) - (all.Length - digits.Length) - 1;
        digits = digits.TrimEnd('0');
        return Encoding.ASCII.GetBytes(sign + Arrange(digits, exponent));
    }

    private static string Arrange(string digits, int exponent)
    {
        if (exponent is < SmallestPlainExponent or > LargestPlainExponent)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            string power = Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
            return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{power}";
        }

        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        return digits.Length <= exponent + 1
            ? digits.PadRight(exponent + 1, '0')
            : $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }
}
