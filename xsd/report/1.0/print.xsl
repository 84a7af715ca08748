<?xml version="1.0" encoding="UTF-8"?>
<!-- Печатная страница отчёта: самостоятельный XHTML без сценариев и внешних ссылок. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:r="urn:service-journal:report:1" xmlns="http://www.w3.org/1999/xhtml"
                exclude-result-prefixes="r">
  <xsl:output method="xml" encoding="UTF-8" omit-xml-declaration="no"/>

  <xsl:variable name="header" select="/r:report/r:header"/>
  <xsl:variable name="bounds" select="' startedFrom startedTo createdFrom createdTo changedSince '"/>
  <xsl:variable name="flags" select="' held enabled manualStart isGroup '"/>
  <xsl:variable name="numbers" select="concat(' packetsTotal packetsWithErrors errorCount notificationsFormed ',
    'notificationsSent attempts itemsTotal itemsNotAccepted dataSize answerSize ')"/>

  <xsl:template match="/r:report">
    <html lang="ru" xml:lang="ru">
      <head>
        <meta charset="utf-8"/>
        <title><xsl:value-of select="r:header/r:title"/></title>
        <style>
          body { font: 10pt/1.35 "Liberation Sans", Arial, sans-serif; color: #000; margin: 1.5em; }
          h1 { font-size: 14pt; margin: 0; }
          h2 { font-size: 11pt; font-weight: normal; margin: 0.2em 0 0.8em; }
          dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1em 1em; margin: 0 0 1em; }
          dt { color: #444; }
          dd { margin: 0; }
          table { border-collapse: collapse; width: 100%; }
          thead { display: table-header-group; }
          tr { break-inside: avoid; }
          th, td { border: 1px solid #888; padding: 0.2em 0.4em; text-align: left; vertical-align: top;
                   overflow-wrap: anywhere; }
          th { background: #eee; overflow-wrap: normal; }
          td.number { text-align: right; white-space: nowrap; }
          td.moment { white-space: nowrap; }
          @page { size: A4 landscape; margin: 12mm; }
          @media print { body { margin: 0; font-size: 8pt; } }
        </style>
      </head>
      <body>
        <h1><xsl:value-of select="r:header/r:title"/></h1>
        <xsl:apply-templates select="r:header/r:service | r:header/r:sessionTitle"/>
        <dl>
          <dt>Составлен</dt>
          <dd>
            <xsl:call-template name="moment"><xsl:with-param name="text" select="r:header/r:madeAt"/></xsl:call-template>
            <xsl:call-template name="zone"/>
          </dd>
          <dt>Кем</dt>
          <dd><xsl:value-of select="concat(r:header/r:madeBy, ', ', r:header/r:role)"/></dd>
          <xsl:apply-templates select="r:header/r:filter/r:condition | r:header/r:totals/r:total"/>
        </dl>
        <xsl:apply-templates select="*[not(self::r:header)]"/>
      </body>
    </html>
  </xsl:template>

  <xsl:template match="r:service[parent::r:header] | r:sessionTitle">
    <h2><xsl:value-of select="."/></h2>
  </xsl:template>

  <xsl:template match="r:condition | r:total">
    <dt><xsl:value-of select="@title"/></dt>
    <dd>
      <xsl:call-template name="value">
        <xsl:with-param name="text" select="string(.)"/>
        <xsl:with-param name="code" select="@code"/>
      </xsl:call-template>
    </dd>
  </xsl:template>

  <xsl:template match="r:report/*[not(self::r:header)]">
    <table>
      <thead>
        <tr>
          <th>№</th>
          <xsl:for-each select="$header/r:columns/r:column"><th><xsl:value-of select="."/></th></xsl:for-each>
        </tr>
      </thead>
      <tbody><xsl:apply-templates select="*"/></tbody>
    </table>
    <xsl:if test="not(*)"><p>Записей нет.</p></xsl:if>
  </xsl:template>

  <xsl:template match="r:report/*[not(self::r:header)]/*">
    <xsl:variable name="record" select="."/>
    <tr>
      <td class="number"><xsl:value-of select="position()"/></td>
      <xsl:for-each select="$header/r:columns/r:column">
        <xsl:variable name="code" select="@code"/>
        <xsl:call-template name="cell">
          <xsl:with-param name="of" select="$record/*[local-name() = $code]"/>
          <xsl:with-param name="code" select="$code"/>
        </xsl:call-template>
      </xsl:for-each>
    </tr>
  </xsl:template>

  <xsl:template name="cell">
    <xsl:param name="of"/>
    <xsl:param name="code"/>
    <td>
      <xsl:choose>
        <xsl:when test="$code = 'at' or substring($code, string-length($code) - 1) = 'At'">
          <xsl:attribute name="class">moment</xsl:attribute>
        </xsl:when>
        <xsl:when test="contains($numbers, concat(' ', $code, ' '))">
          <xsl:attribute name="class">number</xsl:attribute>
        </xsl:when>
      </xsl:choose>
      <xsl:call-template name="value">
        <xsl:with-param name="text" select="string($of)"/>
        <xsl:with-param name="code" select="$code"/>
      </xsl:call-template>
      <xsl:if test="$of and ($code = 'dataSize' or $code = 'answerSize')"> байт</xsl:if>
    </td>
  </xsl:template>

  <!-- Значение, как его читают люди: 22.11.2026 18:30:05, да, нет. Вид значения известен по имени поля. -->
  <xsl:template name="value">
    <xsl:param name="text"/>
    <xsl:param name="code"/>
    <xsl:variable name="end" select="substring($code, string-length($code) - 1)"/>
    <xsl:choose>
      <xsl:when test="$text = ''"/>
      <xsl:when test="$code = 'at' or $end = 'At' or contains($bounds, concat(' ', $code, ' '))">
        <xsl:call-template name="moment"><xsl:with-param name="text" select="$text"/></xsl:call-template>
      </xsl:when>
      <xsl:when test="$code = 'patientBirthDate'">
        <xsl:call-template name="day"><xsl:with-param name="text" select="$text"/></xsl:call-template>
      </xsl:when>
      <xsl:when test="contains($flags, concat(' ', $code, ' ')) and $text = 'true'">да</xsl:when>
      <xsl:when test="contains($flags, concat(' ', $code, ' ')) and $text = 'false'">нет</xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="moment">
    <xsl:param name="text"/>
    <xsl:call-template name="day"><xsl:with-param name="text" select="$text"/></xsl:call-template>
    <xsl:value-of select="concat(' ', substring($text, 12, 8))"/>
  </xsl:template>

  <xsl:template name="day">
    <xsl:param name="text"/>
    <xsl:value-of select="concat(substring($text, 9, 2), '.', substring($text, 6, 2), '.', substring($text, 1, 4))"/>
  </xsl:template>

  <!-- Часовой пояс всех моментов отчёта: запись кончается на Z или на ±чч:мм. -->
  <xsl:template name="zone">
    <xsl:variable name="text" select="string($header/r:madeAt)"/>
    <xsl:choose>
      <xsl:when test="substring($text, string-length($text)) = 'Z'"> (UTC)</xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="concat(' (UTC', substring($text, string-length($text) - 5), ')')"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
