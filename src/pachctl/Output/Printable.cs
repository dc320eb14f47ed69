using System.Globalization;
using System.Text;

namespace Pachyderm.Pachctl.Output;

/// <summary>Text from elsewhere, made safe for a terminal: names and messages may hold escape sequences.</summary>
internal static class Printable
{
    /// <summary>Replaces control characters by visible escapes.</summary>
    public static string Text(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        StringBuilder result = new(text.Length + 16);
        foreach (char character in text)
        {
            _ = character switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                _ when char.IsControl(character) => result.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}"),
                _ => result.Append(character),
            };
        }

        return result.ToString();
    }
}
