using System.CommandLine;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Commands on objects.</summary>
internal static class ObjectCommands
{
    public static Command GetObject()
    {
        Argument<string> hash = Required("HASH", "The object's SHA-512 in hexadecimal digits.");
        return Create("get-object", "Print the content of an object.", "", hash).Does(async (parsed, client, cancel) =>
        {
            await using Stream output = StandardOutput.OpenBytes();
            await client.Objects.GetAsync(parsed.GetRequiredValue(hash), output, cancel);
        });
    }

    public static Command GetTag()
    {
        Argument<string> tag = Required("TAG", "The tag.");
        return Create("get-tag", "Print the content of the object that a tag names.", "", tag).Does(async (parsed, client, cancel) =>
        {
            await using Stream output = StandardOutput.OpenBytes();
            await client.Objects.GetTagAsync(parsed.GetRequiredValue(tag), output, cancel);
        });
    }
}
