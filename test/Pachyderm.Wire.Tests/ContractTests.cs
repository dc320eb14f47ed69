using Google.Protobuf;
using Google.Protobuf.Reflection;
using Pachyderm.Wire.Auth;
using Pachyderm.Wire.Health;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using Pachyderm.Wire.Pps;
using Pachyderm.Wire.Version;

namespace Pachyderm.Wire.Tests;

/// <summary>Old clients and servers must understand what is sent, so names, numbers and types may never drift.</summary>
public class ContractTests
{
    private static readonly FileDescriptor[] Release153 =
    [
        PfsReflection.Descriptor, PpsReflection.Descriptor, VersionReflection.Descriptor, HealthReflection.Descriptor, AuthReflection.Descriptor,
    ];

    [Fact]
    public void Every_rpc_enum_and_message_is_what_1_5_3_has()
    {
        string[] expected = [.. ContractTable.Read("contract-1.5.3.txt").Order(StringComparer.Ordinal)];
        string[] actual = [.. Release153.SelectMany(ContractTable.Describe).Order(StringComparer.Ordinal)];

        Assert.Empty(expected.Except(actual, StringComparer.Ordinal));
        Assert.Empty(actual.Except(expected, StringComparer.Ordinal));
        Assert.Equal(expected.Length, actual.Length);
    }

    [Theory]
    [InlineData("contract-native.txt")]
    [InlineData("contract-native-pps.txt")]
    public void What_is_added_keeps_its_names_and_numbers(string table)
    {
        FileDescriptor file = table.Contains("pps", StringComparison.Ordinal) ? NativePpsReflection.Descriptor : NativeReflection.Descriptor;
        string[] expected = [.. ContractTable.Read(table).Order(StringComparer.Ordinal)];
        string[] actual = [.. ContractTable.Describe(file).Order(StringComparer.Ordinal)];

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Files_are_named_as_upstream_names_them_so_that_reflection_agrees()
    {
        Assert.Equal(
            "client/pfs/pfs.proto client/pps/pps.proto client/version/versionpb/version.proto client/health/health.proto client/auth/auth.proto",
            string.Join(' ', Release153.Select(file => file.Name)));
    }

    [Fact]
    public void Json_names_are_lower_camel_except_the_two_that_1_5_3_writes_otherwise()
    {
        FieldDescriptor[] fields = [.. Release153.SelectMany(file => file.MessageTypes).SelectMany(type => type.Fields.InDeclarationOrder())];

        Assert.Equal("URL", Egress.Descriptor.FindFieldByName("URL").JsonName);
        Assert.Equal("includeObject", ListTagsRequest.Descriptor.FindFieldByName("includeObject").JsonName);
        Assert.All(fields.Where(field => field.Name != "URL"), field => Assert.Matches("^[a-z][a-zA-Z0-9]*$", field.JsonName));
        Assert.Equal("newBranch", JobInfo.Descriptor.FindFieldByName("new_branch").JsonName);
    }

    [Fact]
    public void Accepted_return_codes_are_packed_and_fields_go_out_in_order_of_number()
    {
        Transform transform = new() { Image = "i", AcceptReturnCode = { 1, 300 }, ImagePullSecrets = { "s" } };

        Assert.Equal("0A01693203 01AC02 4A0173".Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(transform.ToByteArray()));
    }

    [Fact]
    public void Fields_of_later_releases_survive_being_read_and_written()
    {
        byte[] later = [0x0A, 0x03, 0x0A, 0x01, 0x72, 0x9A, 0x06, 0x01, 0x78];

        Assert.Equal(later, RepoInfo.Parser.ParseFrom(later).ToByteArray());
    }
}
