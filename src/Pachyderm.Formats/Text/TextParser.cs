using System.Runtime.CompilerServices;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats.Text;

/// <summary>One pass over one text: the structure of messages. Values are in the other part.</summary>
internal ref partial struct TextParser
{
    private const int MaxDepth = 100;
    private const int EndOfText = -1;

    // What the value of any scalar may add to the output: a tag and a varint, with room to spare.
    private const int ScalarRoom = 32;

    private static readonly bool[] WordBytes = MakeWordBytes();

    private readonly ReadOnlySpan<byte> _text;
    private readonly WireBuffer _buffer;
    private byte[] _bytes;
    private int _position;
    private int _length;
    private int _errorOffset;
    private TextErrorReason _reason;
    private string _path;

    public TextParser(ReadOnlySpan<byte> text, WireBuffer buffer)
    {
        _text = text;
        _buffer = buffer;
        _bytes = buffer.Bytes;
        _path = "";
    }

    /// <summary>Number of bytes written to the buffer.</summary>
    public readonly int Length => _length;

    public bool TryParse(MessageShape shape, out TextError error)
    {
        bool valid = ReadMessage(shape, EndOfText, 0);
        error = valid ? default : new TextError(_errorOffset, _path, _reason);
        return valid;
    }

    private bool ReadMessage(MessageShape shape, int terminator, int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(TextErrorReason.TooDeep);
        }

        int firstRun = _buffer.RunCount;
        int lastNumber = 0;
        bool isOrdered = true;
        ulong seen = 0;

        // Where the length of the open block of a packed field is, while elements may join it.
        int packedAt = -1;
        while (true)
        {
            SkipSpace();
            if (_position == _text.Length)
            {
                if (terminator == EndOfText)
                {
                    break;
                }

                return Fail(TextErrorReason.UnterminatedMessage);
            }

            if (_text[_position] == terminator)
            {
                _position++;
                break;
            }

            int nameAt = _position;
            var name = ReadWord();
            if (name.IsEmpty)
            {
                return Fail(TextErrorReason.UnexpectedByte);
            }

            var field = shape.Find(name);
            if (field is null)
            {
                if (shape.IsTolerant)
                {
                    if (!SkipValue(depth))
                    {
                        return false;
                    }

                    continue;
                }

                return Fail(TextErrorReason.UnknownField, nameAt);
            }

            ulong bit = 1UL << field.Index;
            if ((seen & bit) != 0 && !field.IsRepeated)
            {
                return Fail(TextErrorReason.AlreadySet, nameAt);
            }

            seen |= bit;
            if (field.Number != lastNumber)
            {
                isOrdered &= field.Number > lastNumber;
                lastNumber = field.Number;
                packedAt = -1;
                _buffer.StartRun(field.Number, _length);
            }

            if (!ReadField(field, depth, ref packedAt))
            {
                _path = _path.Length == 0 ? Name(field) : $"{Name(field)}.{_path}";
                return false;
            }

            SkipSeparator();
        }

        if (shape.IsMapEntry)
        {
            isOrdered &= WriteMissingEntryFields(shape, seen, lastNumber);
        }

        if (!isOrdered)
        {
            _length = _buffer.SortRuns(shape, firstRun, _length);
        }

        _buffer.DropRuns(firstRun);
        return true;
    }

    private bool ReadField(FieldShape field, int depth, ref int packedAt)
    {
        SkipSpace();
        if (_position < _text.Length && _text[_position] == ':')
        {
            _position++;
            SkipSpace();
        }
        else if (field.Kind != FieldKind.Message)
        {
            return Fail(TextErrorReason.ExpectedColon);
        }

        if (_position == _text.Length)
        {
            return Fail(TextErrorReason.ExpectedValue);
        }

        if (!field.IsRepeated || _text[_position] != '[')
        {
            return ReadValue(field, depth, ref packedAt);
        }

        while (true)
        {
            // Past the bracket that opens the list, or the comma.
            _position++;
            SkipSpace();
            if (!ReadValue(field, depth, ref packedAt))
            {
                return false;
            }

            SkipSpace();
            if (_position == _text.Length)
            {
                return Fail(TextErrorReason.UnterminatedMessage);
            }

            switch (_text[_position])
            {
                case (byte)']':
                    _position++;
                    return true;
                case (byte)',':
                    break;
                default:
                    return Fail(TextErrorReason.ExpectedListEnd);
            }
        }
    }

    private bool ReadNested(FieldShape field, int depth)
    {
        int terminator = Terminator();
        if (terminator == EndOfText)
        {
            return Fail(TextErrorReason.ExpectedMessage);
        }

        _position++;
        Reserve(ScalarRoom);
        WriteTag(field);
        int lengthAt = _length++;
        if (!ReadMessage(field.Message!, terminator, depth + 1))
        {
            return false;
        }

        PatchLength(lengthAt);
        return true;
    }

    // Upstream writes both fields of a map entry, whether the text names them or not.
    private bool WriteMissingEntryFields(MessageShape shape, ulong seen, int lastNumber)
    {
        bool isOrdered = true;
        foreach (var field in shape.Fields)
        {
            if ((seen & (1UL << field.Index)) != 0)
            {
                continue;
            }

            isOrdered &= field.Number > lastNumber;
            lastNumber = field.Number;
            _buffer.StartRun(field.Number, _length);
            Reserve(ScalarRoom);
            WriteTag(field);
            int zeros = field.ElementWireType switch
            {
                FieldShape.Fixed64Type => sizeof(ulong),
                FieldShape.Fixed32Type => sizeof(uint),
                _ => 1,
            };
            _bytes.AsSpan(_length, zeros).Clear();
            _length += zeros;
        }

        return isOrdered;
    }

    private bool SkipValue(int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(TextErrorReason.TooDeep);
        }

        SkipSpace();
        bool hasColon = _position < _text.Length && _text[_position] == ':';
        if (hasColon)
        {
            _position++;
            SkipSpace();
        }

        int terminator = Terminator();
        if (terminator != EndOfText)
        {
            _position++;
            if (!SkipMessage(terminator, depth + 1))
            {
                return false;
            }
        }
        else if (!hasColon)
        {
            return Fail(TextErrorReason.ExpectedColon);
        }
        else if (_position < _text.Length && _text[_position] == '[')
        {
            do
            {
                _position++;
                SkipSpace();
                if (!SkipElement(depth))
                {
                    return false;
                }

                SkipSpace();
            }
            while (_position < _text.Length && _text[_position] == ',');
            if (_position == _text.Length || _text[_position] != ']')
            {
                return Fail(TextErrorReason.ExpectedListEnd);
            }

            _position++;
        }
        else if (!SkipElement(depth))
        {
            return false;
        }

        SkipSeparator();
        return true;
    }

    private bool SkipMessage(int terminator, int depth)
    {
        if (depth > MaxDepth)
        {
            return Fail(TextErrorReason.TooDeep);
        }

        while (true)
        {
            SkipSpace();
            if (_position == _text.Length)
            {
                return Fail(TextErrorReason.UnterminatedMessage);
            }

            if (_text[_position] == terminator)
            {
                _position++;
                return true;
            }

            if (ReadWord().IsEmpty)
            {
                return Fail(TextErrorReason.UnexpectedByte);
            }

            if (!SkipValue(depth))
            {
                return false;
            }
        }
    }

    private bool SkipElement(int depth)
    {
        int terminator = Terminator();
        if (terminator != EndOfText)
        {
            _position++;
            return SkipMessage(terminator, depth + 1);
        }

        if (_position < _text.Length && _text[_position] is (byte)'"' or (byte)'\'')
        {
            int start = _length;
            bool valid = ReadStrings();
            _length = start;
            return valid;
        }

        return !ReadWord().IsEmpty || Fail(TextErrorReason.ExpectedValue);
    }

    // The byte that ends the message which starts here, or EndOfText if none does.
    private readonly int Terminator()
    {
        if (_position == _text.Length)
        {
            return EndOfText;
        }

        return _text[_position] switch
        {
            (byte)'<' => '>',
            (byte)'{' => '}',
            _ => EndOfText,
        };
    }

    private ReadOnlySpan<byte> ReadWord()
    {
        int start = _position;
        int end = start;
        var isWordByte = WordBytes;
        while (end < _text.Length && isWordByte[_text[end]])
        {
            end++;
        }

        _position = end;
        return _text[start..end];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipSpace()
    {
        while (_position < _text.Length && _text[_position] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
        {
            _position++;
        }
    }

    private void SkipSeparator()
    {
        SkipSpace();
        if (_position < _text.Length && _text[_position] is (byte)',' or (byte)';')
        {
            _position++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reserve(int count)
    {
        if (_bytes.Length - _length < count)
        {
            _buffer.Grow(_length, count);
            _bytes = _buffer.Bytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteTag(FieldShape field)
    {
        foreach (byte b in field.TagBytes)
        {
            _bytes[_length++] = b;
        }
    }

    // The length of what follows the single byte that was left for it. Most messages fit; others move up by a few bytes.
    private void PatchLength(int lengthAt)
    {
        int size = _length - lengthAt - 1;
        if (size < 0x80)
        {
            _bytes[lengthAt] = (byte)size;
            return;
        }

        int extra = Wire.VarintSize((ulong)size) - 1;
        Reserve(extra);
        _bytes.AsSpan(lengthAt + 1, size).CopyTo(_bytes.AsSpan(lengthAt + 1 + extra));
        Wire.WriteVarint(_bytes.AsSpan(lengthAt), (ulong)size);
        _length += extra;
    }

    private bool Fail(TextErrorReason reason) => Fail(reason, _position);

    private bool Fail(TextErrorReason reason, int offset)
    {
        _reason = reason;
        _errorOffset = offset;
        return false;
    }

    private static string Name(FieldShape field) => System.Text.Encoding.UTF8.GetString(field.Name);

    private static bool[] MakeWordBytes()
    {
        var table = new bool[256];
        foreach (byte b in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+._"u8)
        {
            table[b] = true;
        }

        return table;
    }
}
