using System.Buffers.Binary;
using System.Globalization;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats.Text;

/// <summary>Scalars and strings.</summary>
internal ref partial struct TextParser
{
    private bool ReadValue(FieldShape field, int depth, ref int packedAt)
    {
        switch (field.Kind)
        {
            case FieldKind.Message:
                return ReadNested(field, depth);
            case FieldKind.Bytes:
                return ReadBytes(field);
            case FieldKind.Float or FieldKind.Double:
                return ReadFloat(field, ref packedAt);
            default:
                return ReadInteger(field, ref packedAt);
        }
    }

    private bool ReadBytes(FieldShape field)
    {
        if (_position == _text.Length || _text[_position] is not ((byte)'"' or (byte)'\''))
        {
            return Fail(TextErrorReason.ExpectedString);
        }

        int start = _length;
        Reserve(ScalarRoom);
        WriteTag(field);
        int lengthAt = _length++;
        if (!ReadStrings())
        {
            return false;
        }

        if (_length == lengthAt + 1 && !field.IsRepeated && !field.AlwaysWritten)
        {
            _length = start;
            return true;
        }

        PatchLength(lengthAt);
        return true;
    }

    // One quoted string, or several that are joined.
    private bool ReadStrings()
    {
        do
        {
            if (!ReadString())
            {
                return false;
            }

            SkipSpace();
        }
        while (_position < _text.Length && _text[_position] is (byte)'"' or (byte)'\'');
        return true;
    }

    private bool ReadString()
    {
        int openedAt = _position;
        byte quote = _text[_position++];
        while (true)
        {
            var rest = _text[_position..];
            int plain = rest.IndexOfAny(quote, (byte)'\\', (byte)'\n');
            if (plain < 0 || rest[plain] == '\n')
            {
                return Fail(TextErrorReason.UnterminatedString, openedAt);
            }

            Reserve(plain + ScalarRoom);
            rest[..plain].CopyTo(_bytes.AsSpan(_length));
            _length += plain;
            _position += plain;
            if (rest[plain] == quote)
            {
                _position++;
                return true;
            }

            if (!ReadEscape(openedAt))
            {
                return false;
            }
        }
    }

    // At a backslash, with room for one code point.
    private bool ReadEscape(int openedAt)
    {
        int at = _position++;
        if (_position == _text.Length)
        {
            return Fail(TextErrorReason.UnterminatedString, openedAt);
        }

        byte b = _text[_position++];
        switch (b)
        {
            case (byte)'a':
                _bytes[_length++] = 7;
                return true;
            case (byte)'b':
                _bytes[_length++] = 8;
                return true;
            case (byte)'f':
                _bytes[_length++] = 12;
                return true;
            case (byte)'n':
                _bytes[_length++] = 10;
                return true;
            case (byte)'r':
                _bytes[_length++] = 13;
                return true;
            case (byte)'t':
                _bytes[_length++] = 9;
                return true;
            case (byte)'v':
                _bytes[_length++] = 11;
                return true;
            case (byte)'?' or (byte)'\'' or (byte)'"' or (byte)'\\':
                _bytes[_length++] = b;
                return true;
            case >= (byte)'0' and <= (byte)'7':
                _position--;
                return ReadCodeUnit(at, 8, 3);
            case (byte)'x' or (byte)'X':
                return ReadCodeUnit(at, 16, 2);
            case (byte)'u':
                return ReadCodePoint(at, 4);
            case (byte)'U':
                return ReadCodePoint(at, 8);
            default:
                return Fail(TextErrorReason.BadEscape, at);
        }
    }

    private bool ReadCodeUnit(int at, int radix, int maxDigits)
    {
        int value = 0;
        int digits = 0;
        for (; digits < maxDigits && _position < _text.Length; digits++, _position++)
        {
            int digit = HexDigit(_text[_position]);
            if (digit >= radix)
            {
                break;
            }

            value = (value * radix) + digit;
        }

        if (digits == 0 || value > byte.MaxValue)
        {
            return Fail(TextErrorReason.BadEscape, at);
        }

        _bytes[_length++] = (byte)value;
        return true;
    }

    private bool ReadCodePoint(int at, int digits)
    {
        uint value = 0;
        for (int i = 0; i < digits; i++, _position++)
        {
            int digit = _position < _text.Length ? HexDigit(_text[_position]) : 16;
            if (digit >= 16)
            {
                return Fail(TextErrorReason.BadEscape, at);
            }

            value = (value << 4) | (uint)digit;
        }

        if (value > 0x10ffff)
        {
            return Fail(TextErrorReason.BadEscape, at);
        }

        // Go writes the replacement character for a half of a surrogate pair.
        var rune = System.Text.Rune.IsValid(value) ? new System.Text.Rune(value) : System.Text.Rune.ReplacementChar;
        _length += rune.EncodeToUtf8(_bytes.AsSpan(_length));
        return true;
    }

    private bool ReadInteger(FieldShape field, ref int packedAt)
    {
        int at = _position;
        var word = ReadWord();
        if (word.IsEmpty)
        {
            return Fail(TextErrorReason.ExpectedValue);
        }

        ulong value;
        TextErrorReason reason;
        switch (field.Kind)
        {
            case FieldKind.Bool:
                reason = ParseBool(word, out value);
                break;
            case FieldKind.Enum when field.TryGetEnumValue(word, out int number):
                (reason, value) = (TextErrorReason.None, (ulong)number);
                break;
            case FieldKind.Enum:
                reason = ParseSigned(word, int.MinValue, int.MaxValue, out value);
                reason = reason == TextErrorReason.BadNumber ? TextErrorReason.BadEnum : reason;
                break;
            case FieldKind.Int32:
                reason = ParseSigned(word, int.MinValue, int.MaxValue, out value);
                break;
            case FieldKind.Int64:
                reason = ParseSigned(word, long.MinValue, long.MaxValue, out value);
                break;
            default:
                reason = ParseUnsigned(word, out value);
                if (reason == TextErrorReason.None && field.Kind == FieldKind.UInt32 && value > uint.MaxValue)
                {
                    reason = TextErrorReason.NumberOutOfRange;
                }

                break;
        }

        if (reason != TextErrorReason.None)
        {
            return Fail(reason, at);
        }

        if (value == 0 && !field.IsRepeated && !field.AlwaysWritten)
        {
            return true;
        }

        Reserve(ScalarRoom);
        int elementAt = StartElement(field, ref packedAt);
        _length += Wire.WriteVarint(_bytes.AsSpan(_length), value);
        EndElement(elementAt, packedAt);
        return true;
    }

    private bool ReadFloat(FieldShape field, ref int packedAt)
    {
        int at = _position;
        var word = ReadWord();
        if (word.IsEmpty)
        {
            return Fail(TextErrorReason.ExpectedValue);
        }

        var reason = ParseFloat(word, field.Kind == FieldKind.Float, out double value);
        if (reason != TextErrorReason.None)
        {
            return Fail(reason, at);
        }

        if (value == 0 && !field.IsRepeated && !field.AlwaysWritten)
        {
            return true;
        }

        Reserve(ScalarRoom);
        int elementAt = StartElement(field, ref packedAt);
        if (field.Kind == FieldKind.Float)
        {
            BinaryPrimitives.WriteSingleLittleEndian(_bytes.AsSpan(_length), (float)value);
            _length += sizeof(float);
        }
        else
        {
            BinaryPrimitives.WriteDoubleLittleEndian(_bytes.AsSpan(_length), value);
            _length += sizeof(double);
        }

        EndElement(elementAt, packedAt);
        return true;
    }

    // Writes what precedes an element: its tag, or nothing when it joins an open packed block.
    private int StartElement(FieldShape field, ref int packedAt)
    {
        if (!field.IsPacked)
        {
            WriteTag(field);
        }
        else if (packedAt < 0)
        {
            WriteTag(field);
            packedAt = _length;
            _bytes[_length++] = 0;
        }

        return _length;
    }

    // Adds what was written since elementAt to the length of the open packed block, which may need one more byte for it.
    private void EndElement(int elementAt, int packedAt)
    {
        if (packedAt < 0)
        {
            return;
        }

        Wire.TryReadVarint(_bytes.AsSpan(packedAt), out ulong size, out int prefix);
        ulong larger = size + (ulong)(_length - elementAt);
        int extra = Wire.VarintSize(larger) - prefix;
        if (extra > 0)
        {
            _bytes.AsSpan(packedAt + prefix, (int)larger).CopyTo(_bytes.AsSpan(packedAt + prefix + extra));
            _length += extra;
        }

        Wire.WriteVarint(_bytes.AsSpan(packedAt), larger);
    }

    private static TextErrorReason ParseBool(ReadOnlySpan<byte> word, out ulong value)
    {
        bool isTrue = word is [(byte)'1'] or [(byte)'t'] || word.SequenceEqual("true"u8) || word.SequenceEqual("True"u8);
        bool isFalse = word is [(byte)'0'] or [(byte)'f'] || word.SequenceEqual("false"u8) || word.SequenceEqual("False"u8);
        value = isTrue ? 1UL : 0;
        return isTrue || isFalse ? TextErrorReason.None : TextErrorReason.BadBool;
    }

    private static TextErrorReason ParseSigned(ReadOnlySpan<byte> word, long min, long max, out ulong value)
    {
        bool isNegative = word[0] == '-';
        var digits = isNegative || word[0] == '+' ? word[1..] : word;
        var reason = ParseUnsigned(digits, out value);
        if (reason != TextErrorReason.None)
        {
            return reason;
        }

        if (value > (isNegative ? (ulong)-(min + 1) + 1 : (ulong)max))
        {
            return TextErrorReason.NumberOutOfRange;
        }

        value = isNegative ? 0 - value : value;
        return TextErrorReason.None;
    }

    // Decimal, octal with a leading 0, hexadecimal with a leading 0x.
    private static TextErrorReason ParseUnsigned(ReadOnlySpan<byte> digits, out ulong value)
    {
        uint radix = 10;
        if (digits.Length > 1 && digits[0] == '0')
        {
            bool isHex = digits[1] is (byte)'x' or (byte)'X';
            radix = isHex ? 16u : 8u;
            digits = digits[(isHex ? 2 : 1)..];
        }

        value = 0;
        if (digits.IsEmpty)
        {
            return TextErrorReason.BadNumber;
        }

        // The whole word is looked at before its size is judged, so that "99999999999999999999x" is no number rather than a large one.
        bool overflows = false;
        foreach (byte b in digits)
        {
            int digit = HexDigit(b);
            if (digit >= radix)
            {
                return TextErrorReason.BadNumber;
            }

            ulong high = Math.BigMul(value, radix, out ulong low);
            ulong next = low + (uint)digit;
            overflows |= high != 0 || next < low;
            value = next;
        }

        return overflows ? TextErrorReason.NumberOutOfRange : TextErrorReason.None;
    }

    private static TextErrorReason ParseFloat(ReadOnlySpan<byte> word, bool isSingle, out double value)
    {
        bool isNegative = word[0] == '-';
        var magnitude = isNegative || word[0] == '+' ? word[1..] : word;
        if (IsWord(magnitude, "inf"u8) || IsWord(magnitude, "infinity"u8))
        {
            value = isNegative ? double.NegativeInfinity : double.PositiveInfinity;
            return TextErrorReason.None;
        }

        if (IsWord(magnitude, "nan"u8))
        {
            value = double.NaN;
            return TextErrorReason.None;
        }

        // C++ may end a number with an f.
        magnitude = magnitude is [.. var head, (byte)'f'] ? head : magnitude;
        value = 0;
        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        float single = 0;
        bool valid = isSingle
            ? float.TryParse(magnitude, Style, CultureInfo.InvariantCulture, out single)
            : double.TryParse(magnitude, Style, CultureInfo.InvariantCulture, out value);
        value = isSingle ? single : value;
        if (!valid)
        {
            return TextErrorReason.BadNumber;
        }

        if (double.IsInfinity(value))
        {
            return TextErrorReason.NumberOutOfRange;
        }

        value = isNegative ? -value : value;
        return TextErrorReason.None;
    }

    private static bool IsWord(ReadOnlySpan<byte> word, ReadOnlySpan<byte> lowerCase) =>
        System.Text.Ascii.EqualsIgnoreCase(word, lowerCase);

    // 16 for a byte that is no digit.
    private static int HexDigit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => 16,
    };
}
