using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Pachyderm.Pps.Schedules;

/// <summary>
/// An amount as Kubernetes writes it: a decimal number with a decimal suffix (<c>n u m k M G T P E</c>), a binary one (<c>Ki</c> to
/// <c>Ei</c>) or a decimal exponent, such as <c>100M</c>, <c>0.5</c>, <c>500m</c>, <c>1Gi</c>, <c>2e3</c>. As there, it is at most 2^63-1,
/// and what is finer than a billionth is rounded away from zero.
/// </summary>
public readonly record struct Quantity
{
    private const int NanoDigits = 9;
    private const int MaxTextLength = 64;
    private const string BadForm = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private const string BadSuffix = "unable to parse quantity's suffix";
    private static readonly BigInteger Billion = BigInteger.Pow(10, NanoDigits);
    private static readonly BigInteger MaxNano = long.MaxValue * Billion;

    private readonly BigInteger nano;

    private Quantity(BigInteger nano) => this.nano = nano;

    /// <summary>The amount in whole units, rounded away from zero: bytes of memory.</summary>
    public long Value => Scaled(0);

    /// <summary>The amount in thousandths, rounded away from zero, at most 2^63-1: thousandths of a core.</summary>
    public long MilliValue => Scaled(3);

    /// <summary>Reads a quantity.</summary>
    /// <param name="text">The text.</param>
    /// <param name="quantity">The amount.</param>
    /// <param name="problem">What is wrong with the text.</param>
    public static bool TryParse(string text, out Quantity quantity, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        quantity = default;
        int start = text.StartsWith('-') || text.StartsWith('+') ? 1 : 0;
        int end = start;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }
        ReadOnlySpan<char> number = text.AsSpan(start, end - start);
        problem = BadForm;
        if (text.Length > MaxTextLength || !number.ContainsAnyInRange('0', '9') || number.Count('.') > 1)
        {
            return false;
        }
        if (!TryReadSuffix(text.AsSpan(end), out BigInteger factor, out int exponent))
        {
            problem = BadSuffix;
            return false;
        }
        int point = number.IndexOf('.');
        int decimals = point < 0 ? 0 : number.Length - point - 1;
        BigInteger digits = BigInteger.Parse(string.Concat(number.ToString().Where(char.IsAsciiDigit)), CultureInfo.InvariantCulture);
        BigInteger amount = Shift(digits * factor, exponent - decimals + NanoDigits);
        amount = BigInteger.Min(amount, MaxNano);
        quantity = new Quantity(text[0] == '-' ? -amount : amount);
        problem = null;
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Quantity other) => nano == other.nano;

    /// <inheritdoc/>
    public override int GetHashCode() => nano.GetHashCode();

    /// <summary>The amount in units, with the decimals that it needs.</summary>
    public override string ToString()
    {
        BigInteger whole = BigInteger.DivRem(BigInteger.Abs(nano), Billion, out BigInteger rest);
        string decimals = rest.IsZero ? "" : "." + rest.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return string.Create(CultureInfo.InvariantCulture, $"{(nano.Sign < 0 ? "-" : "")}{whole}{decimals}");
    }

    private long Scaled(int digits) =>
        (long)BigInteger.Clamp(Shift(nano, digits - NanoDigits), -(BigInteger)long.MaxValue, long.MaxValue);

    private static bool TryReadSuffix(ReadOnlySpan<char> suffix, out BigInteger factor, out int exponent)
    {
        const string Binary = "KMGTPE";
        const string Decimal = "num kMGTPE";
        (factor, exponent) = (BigInteger.One, 0);
        if (suffix.IsEmpty)
        {
            return true;
        }
        if (suffix.Length == 1 && suffix[0] != ' ' && Decimal.Contains(suffix[0], StringComparison.Ordinal))
        {
            exponent = 3 * (Decimal.IndexOf(suffix[0], StringComparison.Ordinal) - 3);
            return true;
        }
        if (suffix.Length == 2 && suffix[1] == 'i' && Binary.Contains(suffix[0], StringComparison.Ordinal))
        {
            factor = BigInteger.One << (10 * (1 + Binary.IndexOf(suffix[0], StringComparison.Ordinal)));
            return true;
        }
        return suffix[0] is 'e' or 'E'
            && int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent);
    }

    // Times a power of ten; a remainder rounds away from zero. Exponents that no amount in range can have are cut short.
    private static BigInteger Shift(BigInteger value, int exponent)
    {
        const int Enough = 2 * MaxTextLength;
        BigInteger power = BigInteger.Pow(10, Math.Min(Math.Abs(exponent), Enough));
        if (exponent >= 0)
        {
            return value * power;
        }
        BigInteger quotient = BigInteger.DivRem(value, power, out BigInteger remainder);
        return remainder.IsZero ? quotient : quotient + value.Sign;
    }
}
