using System.Security.Cryptography;
using System.Text;

namespace Pachyderm.Workers.Logs;

/// <summary>
/// What the supervisor in a sandbox prints on both streams when a command and all that it started are gone: a byte 1, 32 random hexadecimal
/// digits that the server chose for the datum, a colon, the exit code in three digits, a colon, one digit that says whether the sandbox can
/// be used again (0), and a newline. Nothing can follow it, since nobody is left to print.
/// </summary>
/// <param name="ExitCode">What the command ended with.</param>
/// <param name="Soiled">Whether something of the datum stays in the sandbox, such as shared memory.</param>
internal sealed record EndMark(int ExitCode, bool Soiled)
{
    /// <summary>Length in bytes.</summary>
    internal const int Length = 1 + DigitCount + 1 + 3 + 1 + 1 + 1;

    private const int DigitCount = 32;

    /// <summary>Digits for one datum.</summary>
    internal static string NewDigits() => RandomNumberGenerator.GetHexString(DigitCount, lowercase: true);

    /// <summary>Finds the mark at the end of what was read.</summary>
    internal static EndMark? Find(ReadOnlySpan<byte> read, string digits)
    {
        if (read.Length < Length)
        {
            return null;
        }

        ReadOnlySpan<byte> mark = read[^Length..];
        Span<byte> expected = stackalloc byte[DigitCount];
        Encoding.ASCII.GetBytes(digits, expected);
        if (mark[0] != 1 || !mark.Slice(1, DigitCount).SequenceEqual(expected))
        {
            return null;
        }

        ReadOnlySpan<byte> code = mark.Slice(DigitCount + 2, 3);
        return new EndMark(((code[0] - '0') * 100) + ((code[1] - '0') * 10) + code[2] - '0', mark[DigitCount + 6] != (byte)'0');
    }
}
