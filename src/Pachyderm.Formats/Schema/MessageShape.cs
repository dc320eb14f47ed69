using System.Collections.Concurrent;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Schema;

/// <summary>A message type compiled into lookup tables, once per process. Immutable after construction; safe for concurrent use.</summary>
internal sealed class MessageShape
{
    private const int MaxFields = 64;

    private static readonly ConcurrentDictionary<MessageDescriptor, MessageShape> Cache = new();
    private static readonly Lock CompileLock = new();

    // By a hash of the name that has no collision inside this message, and by number.
    private FieldShape?[] _byName = [];
    private FieldShape?[] _byNumber = [];
    private int _lengthFactor;

    private MessageShape(MessageDescriptor descriptor)
    {
        Name = descriptor.Name;
        var options = descriptor.GetOptions();
        IsMapEntry = options?.GetExtension(SchemaOptionsExtensions.MapEntry) ?? false;
        IsTolerant = options?.GetExtension(SchemaOptionsExtensions.Tolerant) ?? false;
    }

    public string Name { get; }

    /// <summary>One entry of what upstream declares as a map: both fields are always written.</summary>
    public bool IsMapEntry { get; }

    /// <summary>Fields that are not declared are read over in text.</summary>
    public bool IsTolerant { get; }

    /// <summary>In the order of declaration, which is the order of the text form.</summary>
    public FieldShape[] Fields { get; private set; } = [];

    public static MessageShape Of(MessageDescriptor descriptor)
    {
        if (Cache.TryGetValue(descriptor, out var known))
        {
            return known;
        }

        // Message types refer to each other in circles, so that a shape is published only when all that it reaches is complete.
        lock (CompileLock)
        {
            var compiled = new Dictionary<MessageDescriptor, MessageShape>();
            var shape = Compile(descriptor, compiled);
            foreach (var (key, value) in compiled)
            {
                Cache.TryAdd(key, value);
            }

            return shape;
        }
    }

    public FieldShape? Find(ReadOnlySpan<byte> name)
    {
        var candidate = _byName[Slot(name, _lengthFactor, _byName.Length - 1)];
        return candidate is not null && name.SequenceEqual(candidate.Name) ? candidate : null;
    }

    public FieldShape? Find(int number)
    {
        if ((uint)number < (uint)_byNumber.Length)
        {
            return _byNumber[number];
        }

        return Array.Find(Fields, f => f.Number == number);
    }

    private static MessageShape Compile(MessageDescriptor descriptor, Dictionary<MessageDescriptor, MessageShape> compiled)
    {
        if (Cache.TryGetValue(descriptor, out var shape) || compiled.TryGetValue(descriptor, out shape))
        {
            return shape;
        }

        shape = new MessageShape(descriptor);
        compiled.Add(descriptor, shape);
        var declared = descriptor.Fields.InDeclarationOrder();
        if (declared.Count > MaxFields)
        {
            throw new NotSupportedException($"{descriptor.FullName}: {declared.Count} fields, at most {MaxFields} are supported");
        }

        shape.Fields = [.. declared.Select((f, i) => new FieldShape(
            f, i, f.FieldType == FieldType.Message ? Compile(f.MessageType, compiled) : null))];
        shape.IndexFields();
        return shape;
    }

    private static int Slot(ReadOnlySpan<byte> name, int lengthFactor, int mask)
    {
        int length = name.Length;
        return ((length * lengthFactor) + (name[0] * 31) + (name[^1] * 7) + (name[length >> 1] * 13)) & mask;
    }

    private void IndexFields()
    {
        var numbered = Fields.Where(static f => f.Number < 256).ToArray();
        _byNumber = new FieldShape?[numbered.Length == 0 ? 0 : numbered.Max(static f => f.Number) + 1];
        foreach (var field in numbered)
        {
            _byNumber[field.Number] = field;
        }

        for (int size = 8; ; size *= 2)
        {
            for (int factor = 1; factor < 64; factor++)
            {
                var table = new FieldShape?[size];
                if (Fields.All(f => Place(table, f, factor)))
                {
                    (_byName, _lengthFactor) = (table, factor);
                    return;
                }
            }
        }
    }

    private static bool Place(FieldShape?[] table, FieldShape field, int factor)
    {
        ref var slot = ref table[Slot(field.Name, factor, table.Length - 1)];
        if (slot is not null)
        {
            return false;
        }

        slot = field;
        return true;
    }
}
