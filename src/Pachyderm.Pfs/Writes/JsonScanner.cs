using System.Buffers;

namespace Pachyderm.Pfs;

/// <summary>
/// JSON values, with or without white space between them; what is between them is skipped. A value may have any size: only the kinds of the open
/// brackets are kept. The grammar is checked as Go's decoder does it, which leaves the encoding of strings alone.
/// </summary>
internal sealed class JsonScanner : IDatumScanner
{
    /// <summary>Brackets within brackets, as far as Go's decoder goes.</summary>
    private const int MaximumDepth = 10_000;

    private static readonly SearchValues<byte> EndOfPlainText =
        SearchValues.Create([(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(value => (byte)value)]);

    private readonly Stack<bool> openObjects = new();
    private State state = State.BeforeValue;
    private byte[] literal = [];
    private int position;
    private bool isKey;

    private enum State
    {
        BeforeValue,
        BeforeFirstElement,
        BeforeFirstKey,
        BeforeKey,
        AfterKey,
        AfterElement,
        InString,
        InEscape,
        InUnicode,
        InLiteral,
        AfterMinus,
        AfterZero,
        InInteger,
        AfterPoint,
        InFraction,
        AfterE,
        AfterExponentSign,
        InExponent,
    }

    private bool IsTop => openObjects.Count == 0;

    public DatumPart Scan(ReadOnlySpan<byte> bytes)
    {
        int skipped = 0;
        if (IsTop && state == State.BeforeValue)
        {
            int start = bytes.IndexOfAnyExcept(" \t\r\n"u8);
            if (start < 0)
            {
                return new DatumPart(bytes.Length, 0, false);
            }
            skipped = start;
        }
        int index = skipped;
        while (index < bytes.Length)
        {
            if (state == State.InString)
            {
                int plain = bytes[index..].IndexOfAny(EndOfPlainText);
                index += plain < 0 ? bytes.Length - index : plain;
                if (plain < 0)
                {
                    break;
                }
            }
            Outcome outcome = Step(bytes[index]);
            if (outcome == Outcome.EndBefore)
            {
                return new DatumPart(skipped, index - skipped, true);
            }
            index++;
            if (outcome == Outcome.End)
            {
                return new DatumPart(skipped, index - skipped, true);
            }
        }
        return new DatumPart(skipped, index - skipped, false);
    }

    public bool Complete()
    {
        if (IsTop && state == State.BeforeValue)
        {
            return false;
        }
        // Only a number does not tell by itself that it has ended.
        return IsTop && IsEndOfNumber ? true : throw PfsErrors.Invalid("JSON: unexpected end of the data, within a value");
    }

    private bool IsEndOfNumber => state is State.AfterZero or State.InInteger or State.InFraction or State.InExponent;

    private enum Outcome
    {
        Inside,
        End,
        EndBefore,
    }

    private Outcome Step(byte c)
    {
        switch (state)
        {
            case State.InString:
                return StepString(c);
            case State.InEscape:
                state = c switch
                {
                    (byte)'u' => State.InUnicode,
                    (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => State.InString,
                    _ => throw Unexpected(c, "in string escape code"),
                };
                position = 0;
                return Outcome.Inside;
            case State.InUnicode:
                state = !char.IsAsciiHexDigit((char)c) ? throw Unexpected(c, "in \\u hexadecimal character escape")
                    : ++position == 4 ? State.InString
                    : State.InUnicode;
                return Outcome.Inside;
            case State.InLiteral:
                return literal[position] != c ? throw Unexpected(c, $"in literal {System.Text.Encoding.ASCII.GetString(literal)}")
                    : ++position == literal.Length ? EndValue()
                    : Outcome.Inside;
            case >= State.AfterMinus:
                return StepNumber(c);
            default:
                return c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' ? Outcome.Inside : StepBetween(c);
        }
    }

    private Outcome StepString(byte c)
    {
        switch (c)
        {
            case (byte)'"' when isKey:
                state = State.AfterKey;
                return Outcome.Inside;
            case (byte)'"':
                return EndValue();
            case (byte)'\\':
                state = State.InEscape;
                return Outcome.Inside;
            case < 0x20:
                throw Unexpected(c, "in string literal");
            default:
                return Outcome.Inside;
        }
    }

    private Outcome StepBetween(byte c)
    {
        switch (state)
        {
            case State.BeforeFirstElement when c == ']':
            case State.BeforeFirstKey when c == '}':
                return Close();
            case State.BeforeValue or State.BeforeFirstElement:
                BeginValue(c);
                return Outcome.Inside;
            case State.BeforeFirstKey or State.BeforeKey:
                state = c == '"' ? State.InString : throw Unexpected(c, "looking for beginning of object key string");
                isKey = true;
                return Outcome.Inside;
            case State.AfterKey:
                state = c == ':' ? State.BeforeValue : throw Unexpected(c, "after object key");
                return Outcome.Inside;
            default:
                bool inObject = openObjects.Peek();
                if (c == ',')
                {
                    state = inObject ? State.BeforeKey : State.BeforeValue;
                    return Outcome.Inside;
                }
                return c == (inObject ? '}' : ']') ? Close() : throw Unexpected(c, inObject ? "after object key:value pair" : "after array element");
        }
    }

    private void BeginValue(byte c)
    {
        isKey = false;
        switch (c)
        {
            case (byte)'{' or (byte)'[':
                if (openObjects.Count == MaximumDepth)
                {
                    throw PfsErrors.Invalid($"JSON: brackets are nested more than {MaximumDepth} deep");
                }
                openObjects.Push(c == '{');
                state = c == '{' ? State.BeforeFirstKey : State.BeforeFirstElement;
                break;
            case (byte)'"':
                state = State.InString;
                break;
            case (byte)'t' or (byte)'f' or (byte)'n':
                literal = c == 't' ? [.. "true"u8] : c == 'f' ? [.. "false"u8] : [.. "null"u8];
                position = 1;
                state = State.InLiteral;
                break;
            case (byte)'-':
                state = State.AfterMinus;
                break;
            case (byte)'0':
                state = State.AfterZero;
                break;
            case >= (byte)'1' and <= (byte)'9':
                state = State.InInteger;
                break;
            default:
                throw Unexpected(c, "looking for beginning of value");
        }
    }

    private Outcome StepNumber(byte c)
    {
        bool isDigit = char.IsAsciiDigit((char)c);
        State? next = (state, c) switch
        {
            (State.AfterMinus, (byte)'0') => State.AfterZero,
            (State.AfterMinus or State.InInteger, _) when isDigit => State.InInteger,
            (State.AfterZero or State.InInteger, (byte)'.') => State.AfterPoint,
            (State.AfterPoint or State.InFraction, _) when isDigit => State.InFraction,
            (State.AfterZero or State.InInteger or State.InFraction, (byte)'e' or (byte)'E') => State.AfterE,
            (State.AfterE, (byte)'+' or (byte)'-') => State.AfterExponentSign,
            (State.AfterE or State.AfterExponentSign or State.InExponent, _) when isDigit => State.InExponent,
            _ => null,
        };
        if (next is { } inside)
        {
            state = inside;
            return Outcome.Inside;
        }
        if (!IsEndOfNumber)
        {
            throw Unexpected(c, "in numeric literal");
        }
        if (EndValue() == Outcome.End)
        {
            return Outcome.EndBefore;
        }
        return Step(c);
    }

    private Outcome Close()
    {
        openObjects.Pop();
        return EndValue();
    }

    private Outcome EndValue()
    {
        state = IsTop ? State.BeforeValue : State.AfterElement;
        return IsTop ? Outcome.End : Outcome.Inside;
    }

    private static PfsException Unexpected(byte c, string context) =>
        PfsErrors.Invalid($"JSON: invalid character {(c is >= 0x20 and < 0x7f ? $"'{(char)c}'" : $"0x{c:x2}")} {context}");
}
