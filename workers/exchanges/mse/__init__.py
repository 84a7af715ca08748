"""ФБ МСЭ (ЕАВИИАС): referrals to the bureau (форма № 088/у), and its back tickets."""
