using Google.Protobuf.Reflection;

namespace Pachyderm.Wire.Tests;

/// <summary>A contract as lines of text, one an RPC, an enum or a message, so that two of them can be compared.</summary>
internal static class ContractTable
{
    /// <summary>Reads a table that lies beside the tests.</summary>
    public static IReadOnlyList<string> Read(string name)
    {
        using StreamReader reader = new(typeof(ContractTable).Assembly.GetManifestResourceStream(name)!);
        return [.. reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#')];
    }

    /// <summary>Says what generated code holds.</summary>
    public static IReadOnlyList<string> Describe(FileDescriptor file) =>
    [
        .. file.Services.SelectMany(service => service.Methods.Select(method => Describe(file, service, method))),
        .. file.EnumTypes.Select(type => $"enum {type.FullName}: {string.Join(", ", type.Values.Select(value => $"{value.Name}={value.Number}"))}"),
        .. file.MessageTypes.Select(type => Describe(file, type)),
    ];

    private static string Describe(FileDescriptor file, ServiceDescriptor service, MethodDescriptor method) =>
        $"rpc {service.FullName}/{method.Name} {(method.IsClientStreaming ? "stream " : "")}{Name(file, method.InputType)}"
        + $" -> {(method.IsServerStreaming ? "stream " : "")}{Name(file, method.OutputType)}";

    private static string Describe(FileDescriptor file, MessageDescriptor type)
    {
        string fields = string.Join("; ", type.Fields.InFieldNumberOrder().Select(field => $"{field.FieldNumber} {field.Name} {Type(file, field)}"));
        string reserved = string.Concat(type.ToProto().ReservedRange.Select(range => $" reserved {range.Start}"));
        return $"message {type.FullName}: {fields}{reserved}".TrimEnd();
    }

    private static string Type(FileDescriptor file, FieldDescriptor field) => field switch
    {
        { IsMap: true } => $"map<{Type(file, field.MessageType.FindFieldByNumber(1))}, {Type(file, field.MessageType.FindFieldByNumber(2))}>",
        { IsRepeated: true } => $"repeated {Single(file, field)}",
        _ => Single(file, field),
    };

    private static string Single(FileDescriptor file, FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => Name(file, field.MessageType),
        FieldType.Enum => Name(file, field.EnumType),
        _ => field.FieldType.ToString().ToLowerInvariant(),
    };

    private static string Name(FileDescriptor file, DescriptorBase type) =>
        type.FullName.StartsWith(file.Package + ".", StringComparison.Ordinal) ? type.FullName[(file.Package.Length + 1)..] : type.FullName;
}
