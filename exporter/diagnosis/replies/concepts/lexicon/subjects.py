"""Words for the subjects of a refusal: client, server, sender, recipient, domain, mail. Pure.

The notation is that of :mod:`exporter.diagnosis.replies.concepts.lexicon`.
"""

from __future__ import annotations

from typing import Final

SUBJECTS: Final = {
    "YOU": (
        "du dir you your yours yourself u ihr ihre ihrer ihrem ihren ihres sie dein* deine* votre vos vous su sus"
        " usted tu seu sua voce tuo tua vostr* panstwa twoj* twoja wasz* uw jouw jullie ваш* вы вам вас вами 您 你"
        " 貴 あなた 御社 귀하 귀사 당신"
        " siz sizin size sunucunuz* adresiniz* adresinizden din ditt dina deres dere vas vase vaš* váš vaše"
        " az_ön dvs dumneavoastra adresa_dvs вашого вашої ваша вам anda kamu"
    ),
    "HOST": (
        "host hosts machine machines client clients peer peers mta mtas network networks subnet subnets netblock"
        " netblocks ip ips ipv4 ipv6 connection connections connect connecting session sessions asn isp isps"
        " computer computers hostname neighbourhood neighborhood range block_of_addresses cidr hoster datacenter"
        " data_centre rechner rechners verbindung* netz netzwerk netzbereich* netzblock* anschluss ip-adresse"
        " gegenstelle einlieferung* connexion* reseau hote* poste conexion conexiones conexao conexoes red rede"
        " equipo maquina connession* rete macchina polaczeni* siec sieci hosta verbinding* netwerk соединени*"
        " подключени* сети сеть хост* узел узла 连接 連線 连线 主机 主機 网段 接続 ホスト 접속 연결"
        " sunucunuz sunucu* makine* ip_adresi bağlanti* baglanti* anslutning* forbindelse* tilkobling* kapcsolat*"
        " gazdagep* conexiunea spojeni* spojení* připojení* єднанн* підключенн* koneksi kết_nối yhteys yhtey*"
    ),
    "COUNTRY": (
        "abroad overseas foreign ausland étranger extranjero estero zagranic* buitenland рубеж* 境外 country"
        " countries region continent geo* nation land länder pays pais paese kraju kraj landen страны стран 国家"
        " 地区 海外 国外 国"
    ),
    "PROVIDER": "provider providers isp isps hoster",
    "SERVER": (
        "systeme systemen server servers mailserver mailservers system systems service services site gateway"
        " exchanger dienst dienste mailsystem serveur* servidor* serwer* servizio servico servicio usluga сервер*"
        " служб* 服务器 伺服器 服务 系统 系統 サーバ サーバー サービス システム 서버 서비스 시스템"
    ),
    "WE": (
        "we our ours us my mine i me wir uns unser* nous notre nos nosotros nuestr* nosso nossa nostro nostra noi"
        " nasz* nas wij ons onze мы наш* нам нас 我们 本站 本系统 当社 当方 弊社 저희 우리"
    ),
    "RCPT": (
        "box 收件 folder mailfolder maildir skrzync* maildrop mail_drop recipient recipients rcpt rcpts mailbox"
        " mailboxes inbox account accounts user users username addressee addressees letterbox postbox alias"
        " aliases customer subscriber person employee receiver recipiant student staff mail_box forward_path"
        " empfänger* postfach postfachs benutzer benutzername konto teilnehmer nutzer adressat briefkasten"
        " mitarbeiter destinataire* utilisateur* boite boites compte comptes correspondant* abonne messagerie"
        " destinatari* usuari* buzon buzones cuenta cuentas casilla caixa conta contas utente utenti casella"
        " caselle odbiorc* adresat* uzytkownik* skrzynk* konta ontvanger* gebruiker* postbus brievenbus"
        " получател* пользовател* ящик* абонент* адресат* учетн* аккаунт* 收件人 收件者 用户 用戶 邮箱 郵箱 信箱"
        " 账号 账户 帐号 帐户 帳號 使用者 对方 宛先 受信者 ユーザ メールボックス アカウント メールアドレス 利用者"
        " 수신자 받는 사용자 계정 메일함"
        " alici alici alicinin kullanici* kullanici* posta_kutusu kutusu mottagare* modtager* mottaker* brevlåda*"
        " brevlada postkasse* postkassen cimzett* címzett* felhasznalo* felhasználó* postafiok* postafiók*"
        " destinatar* utilizator* casuta căsuța prijemce příjemce uzivatel* uživatel* schrank* schránk* отримувач*"
        " одержувач* користувач* скриньк* поштова_скринька penerima pengguna kotak_surat người_nhận vastaanottaj*"
        " postilaatikko"
    ),
    "PERSON": "person people name colleague colleagues one someone employee personne persona pessoa osoba",
    "ADDRESS": (
        "address addresses adresse adressen addr direccion direcciones indirizzo indirizzi endereco enderecos"
        " adres* адрес* 地址 アドレス 주소"
    ),
    "SENDER": (
        "sender senders originator mailfrom return_path reverse_path return_address envelope_from from_address"
        " absender* expediteur* emetteur* remitente* remetente* mittente nadawc* afzender* отправител* 发件人"
        " 寄件人 发信人 發件人 寄件者 差出人 送信者 送信元 발신자 보낸"
        " gonderen gönderen gonderici* gönderici* avsändare* avsandare afsender* avsender* felado* feladó* expeditor*"
        " odesilatel* odesílatel* відправник* pengirim người_gửi lähettäj*"
    ),
    "FROM": "from",
    "DOMAIN": (
        "destination destinations domain domains domane domaine* domini* domeny domena domein домен* 域名 域"
        " ドメイン 도메인"
        " alan_adi alan_adi domän domäne* domene* doména domén* domeniu* tartomany* tartomány*"
    ),
    "MAIL": (
        "mailing mailings delivery deliveries mail mails message messages msg letter letters correspondence post"
        " nachricht* sendung zustellung courrier* courriel* mensaje* correo* mensage* mensagem messagg* posta"
        " wiadomos* poczt* bericht* письм* сообщени* почт* 邮件 郵件 信件 メール 메일"
        " posteingang mailempfang mailannahme briefe brief eposta iletiler epost levél level posta*"
        " zpráv* пошта пошту лист surat thư"
    ),
    "CONTENT": (
        "anlage anlagen archives document documents macro macros adjunta pieza_adjunta content contents body"
        " attachment attachments subject header headers mime file files text words link links url urls extension"
        " extensions archive inhalt* anhang anhänge betreff dateityp datei contenu* objet piece_jointe fichier*"
        " contenid* adjunt* asunto archivo archivos conteudo anexo* assunto arquivo* contenut* allegat* oggetto"
        " zalacznik* tresc tresci temat inhoud bijlage* onderwerp вложени* содержи* содержани* тем* файл* 内容 附件"
        " 主题 標題 标题 添付 件名 本文 첨부 본문"
    ),
    "BACKEND": (
        "database databases db ldap directory disk disks filesystem file_system spool queue queues backend"
        " back_end daemon milter milters scanner antivirus anti_virus policyd amavis clamav clamd spamd rspamd"
        " redis mysql sql nfs dovecot lmtp socket memory resource resources lookup lookups table tables node"
        " storage_node volume process processes fork partition policy_service policy_server policy_backend"
        " policy_daemon content_filter spamassassin datenbank festplatte verzeichnisdienst speicherfehler"
        " base_donnees base_de_donnees disque base_datos base_de_datos disco banco_de_dados banco_dados dysk*"
        " baza bazy schijf баз* диск* 数据库 資料庫 磁盘 硬盘 队列 データベース ディスク キュー 데이터베이스"
        " 디스크"
        " licence license licence_server license_server virus_scanner spam_scanner plugin plugins module modules"
        " veritabani veritabani databas databasen adatbazis baza_de_date databaze databáze basis_data"
        " spam_engine filter_engine virus_engine policy_engine rule_engine"
        " filter_crashed filter_failed filter_error filter_down filter_timeout filter_timed filter_unavailable"
        " filter_died"
    ),
    "OPENRELAY": (
        "open_relay open_relays openrelay open_mail_relay open_smtp_relay open_proxy open_proxies offenes_relay"
        " relais_ouvert relay_abierto relay_aperto 开放转发 オープンリレー"
    ),
    "RESIDENTIAL": (
        "tor tor_exit tor_exits proxy proxies vpn anonymizer anonymiser dialup dial_up dynamic dynamically"
        " residential transient consumer dsl adsl broadband home_network home_networks home_connection"
        " home_connections end_user_network pool dynamisch* dynamique* dinamic* dynamiczn* динамическ* 动态 動態"
        " 動的 유동"
        " cloud_instance cloud_instances cloud_hosts cloud_machines instances vps webhosting"
    ),
    "EXTERNAL": (
        "partner* staff campus on_campus внутр* allowed_senders senders_list sender_list group groups"
        " distribution_list external externals outside outsider outsiders internal internally members member"
        " subscribers subscriber moderators moderator insiders extern externe externen intern interne externo*"
        " interno* estern* zewnetrzn* внешн* внутренн* 外部 内部 会员 外線 社外"
        " ausserhalb außerhalb hauses haus innerhalb betriebsfremd* hausfremd* same_domain own_domain within_domain"
        " in_house inhouse in_domain campus students residents tenants employees"
        " internes internos interni internen interner interna internas buiten binnen z_firmy spoza_firmy spoza"
        " firmenintern"
        " colleagues coworkers co_workers friends contacts address_book addressbook known_senders kollegen collegues"
        " colegas colleghi"
    ),
}
