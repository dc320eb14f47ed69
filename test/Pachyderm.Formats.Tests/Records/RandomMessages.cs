using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Pachyderm.Formats.Tests.Records;

/// <summary>Messages with random content in every field that a schema declares.</summary>
internal static class RandomMessages
{
    private static readonly long[] Numbers = [0, 1, -1, 127, 128, 16383, 16384, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue];

    /// <summary>One message. Entries of maps are sorted by key and have both fields, as those that upstream's text holds.</summary>
    public static IMessage Next(MessageDescriptor descriptor, Random random, int depth = 0)
    {
        var message = (IMessage)Activator.CreateInstance(descriptor.ClrType)!;
        bool isEntry = descriptor.Name.EndsWith("Entry", StringComparison.Ordinal);
        foreach (var field in descriptor.Fields.InDeclarationOrder())
        {
            if (field.IsRepeated)
            {
                var list = (IList)field.Accessor.GetValue(message);
                int count = depth > 5 ? 0 : random.Next(4);
                for (int i = 0; i < count; i++)
                {
                    list.Add(Value(field, random, depth, i));
                }
            }
            else if (isEntry || random.Next(3) != 0)
            {
                if (field.FieldType != FieldType.Message || depth <= 5)
                {
                    field.Accessor.SetValue(message, Value(field, random, depth, 0));
                }
            }
        }

        return message;
    }

    private static object Value(FieldDescriptor field, Random random, int depth, int index)
    {
        long number = random.Next(2) == 0 ? Numbers[random.Next(Numbers.Length)] : random.Next(1000);
        switch (field.FieldType)
        {
            case FieldType.Message:
                var message = Next(field.MessageType, random, depth + 1);
                if (field.MessageType.FindFieldByName("key") is { } key)
                {
                    key.Accessor.SetValue(message, key.FieldType == FieldType.Bytes ? Bytes(random, index) : index * 7);
                }

                return message;
            case FieldType.Bytes:
                return Bytes(random, null);
            case FieldType.Bool:
                return random.Next(2) == 0;
            case FieldType.Int32:
                return (int)number;
            case FieldType.Int64:
                return number;
            case FieldType.UInt32:
                return (uint)number;
            case FieldType.UInt64:
                return (ulong)number;
            case FieldType.Float:
                return random.Next(4) == 0 ? float.PositiveInfinity : (float)(random.NextDouble() * Math.Pow(10, random.Next(-40, 38)));
            case FieldType.Double:
                return random.Next(4) == 0 ? double.NegativeInfinity : random.NextDouble() * Math.Pow(10, random.Next(-300, 300));
            case FieldType.Enum:
                return Enum.ToObject(field.EnumType.ClrType, random.Next(-1, 7));
            default:
                throw new InvalidOperationException($"{field.FullName} has a type that no schema uses");
        }
    }

    private static ByteString Bytes(Random random, int? first)
    {
        var bytes = new byte[random.Next(8) == 0 ? random.Next(300) : random.Next(6)];
        random.NextBytes(bytes);
        return ByteString.CopyFrom(first is { } b ? [(byte)b, .. bytes] : bytes);
    }
}
